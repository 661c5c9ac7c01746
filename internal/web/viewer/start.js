// Runs before OHIF and tells it where it is, in which language it speaks, and
// how it reaches the archive. window.tresor comes before it in the same answer.
(function (tresor) {
  'use strict';

  // The address that was opened: OHIF changes it before it tells of errors.
  var opened = location.pathname + location.search;

  window.PUBLIC_URL = tresor.files;
  // The language is that of the archive's pages; OHIF looks for it here first.
  document.cookie = 'i18next=; path=/; max-age=0';
  localStorage.setItem('i18nextLng', tresor.language === 'en' ? 'en-US' : tresor.language);

  // viewerLocales puts our strings over OHIF's own; the pack has it called.
  window.viewerLocales = function (locales) {
    var ours = tresor.strings || {};
    var all = (locales[tresor.language] = locales[tresor.language] || {});
    Object.keys(ours).forEach(function (space) {
      all[space] = Object.assign({}, all[space], ours[space]);
    });
    return locales;
  };

  watchSession();

  window.config = {
    name: 'tresor',
    routerBasename: '/',
    extensions: [],
    modes: [],
    customizationService: [{ 'ohif.tours': { $set: [] } }],
    showStudyList: false,
    showPatientInfo: 'visible',
    investigationalUseDialog: { option: 'never' }, // the header says it at all times
    measurementTrackingMode: 'simplified',
    disableConfirmationPrompts: true,
    showWarningMessageForCrossOrigin: false,
    showCPUFallbackMessage: false,
    showLoadingIndicator: true,
    showErrorDetails: 'dev',
    strictZSpacingForVolumeViewport: true,
    groupEnabledModesFirst: true,
    maxNumberOfWebWorkers: 3,
    maxNumRequests: { interaction: 100, thumbnail: 5, prefetch: 25 },
    // Without WebGL the pictures would stay black.
    useCPURendering: !hasWebGL(),
    whiteLabeling: { createLogoComponentFn: logo },
    httpErrorHandler: function (error) {
      if (error && error.status === 401) {
        signedOut();
      }
    },
    defaultDataSourceName: 'dicomweb',
    dataSources: [
      {
        namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
        sourceName: 'dicomweb',
        configuration: {
          friendlyName: 'Tresor',
          name: 'tresor',
          qidoRoot: tresor.dicomweb,
          wadoRoot: tresor.dicomweb,
          wadoUriRoot: tresor.dicomweb,
          qidoSupportsIncludeField: true,
          imageRendering: 'wadors',
          thumbnailRendering: 'wadors',
          enableStudyLazyLoad: true,
          supportsFuzzyMatching: false,
          supportsWildcard: true,
          staticWado: false,
          singlepart: 'bulkdata,video',
          supportsReject: false,
          dicomUploadEnabled: false,
          bulkDataURI: { enabled: true, relativeResolution: 'studies' },
          omitQuotationForMultipartRequest: false,
        },
      },
    ],
  };

  function hasWebGL() {
    try {
      return !!document.createElement('canvas').getContext('webgl2');
    } catch (e) {
      return false;
    }
  }

  // The way back to the study list, and what the viewer is not for.
  function logo(React) {
    var link = { href: tresor.home, style: { color: '#9ecbff', fontWeight: 600 } };
    var note = { style: { color: '#ffd479', marginLeft: '1rem', fontSize: '0.875rem' } };
    return React.createElement(
      'span',
      { style: { whiteSpace: 'nowrap' } },
      React.createElement('a', link, '‹ ' + tresor.words.back),
      React.createElement('span', note, tresor.words.notForUse)
    );
  }

  // watchSession looks at every answer of the archive, for OHIF tells of 401 for
  // some requests alone: pictures would just not appear.
  var served = false;
  function watchSession() {
    var open = XMLHttpRequest.prototype.open;
    XMLHttpRequest.prototype.open = function (method, url) {
      if (new URL(url, location.href).pathname.indexOf(tresor.dicomweb + '/') === 0) {
        this.addEventListener('loadend', function () { answered(this.status); });
      }
      return open.apply(this, arguments);
    };
    var fetch = window.fetch;
    window.fetch = function (resource) {
      var url = new URL(resource instanceof Request ? resource.url : resource, location.href);
      var answer = fetch.apply(this, arguments);
      if (url.pathname.indexOf(tresor.dicomweb + '/') === 0) {
        answer.then(function (r) { answered(r.status); }, function () {});
      }
      return answer;
    };
  }

  function answered(status) {
    if (status === 401) {
      signedOut();
    } else if (status >= 200 && status < 300) {
      served = true;
      hideNotice();
    }
  }

  // signedOut leads to the sign-in and back to the study. Once there is a study
  // to lose, with measurements not stored yet, it says so and stays.
  function signedOut() {
    var address = tresor.signIn + '?next=' + encodeURIComponent(opened);
    if (served) {
      showNotice();
    } else {
      location.replace(address);
    }
  }

  function showNotice() {
    if (document.getElementById('tresor-signed-out')) {
      return;
    }
    var notice = document.createElement('div');
    notice.id = 'tresor-signed-out';
    notice.setAttribute('role', 'alert');
    notice.style.cssText = 'position:fixed;inset:auto 0 0 0;z-index:10000;padding:.75rem 1rem;background:#7a1f1f;color:#fff;font:1rem system-ui,sans-serif';
    notice.append(tresor.words.signedOut + ' ');
    var link = document.createElement('a');
    link.href = tresor.signIn;
    link.target = '_blank';
    link.rel = 'noopener';
    link.style.cssText = 'color:#fff;text-decoration:underline';
    link.textContent = tresor.words.signInAgain;
    notice.append(link);
    document.body.append(notice);
  }

  function hideNotice() {
    var notice = document.getElementById('tresor-signed-out');
    if (notice) {
      notice.remove();
    }
  }
})(window.tresor);
