// Drives the service with other people's clients: dicomweb-client and dcmjs.
// Arguments: URL of the service, study, series, instance. Prints one JSON object.
globalThis.XMLHttpRequest = require('xhr2');
const { api } = require('dicomweb-client');
const dcmjs = require('dcmjs');

const [url, study, series, instance] = process.argv.slice(2);
const one = { studyInstanceUID: study, seriesInstanceUID: series, sopInstanceUID: instance };
const client = new api.DICOMwebClient({ url, headers: {}, verbose: false });

// naturalize reads a file of PS3.10.
function naturalize(buffer) {
  const file = dcmjs.data.DicomMessage.readFile(buffer);
  return dcmjs.data.DicomMetaDictionary.naturalizeDataset(file.dict);
}

// changed returns the file as another instance, written by dcmjs.
function changed(buffer, uid) {
  const file = dcmjs.data.DicomMessage.readFile(buffer);
  file.meta['00020003'].Value = [uid];
  file.dict['00080018'].Value = [uid];
  return file.write();
}

async function run() {
  const out = {};
  out.studies = (await client.searchForStudies({ queryParams: { PatientID: '4711' } })).length;
  out.series = (await client.searchForSeries({ studyInstanceUID: study })).length;
  out.instances = (await client.searchForInstances({ studyInstanceUID: study, seriesInstanceUID: series })).length;
  out.nothing = ((await client.searchForStudies({ queryParams: { PatientID: 'nobody' } })) || []).length;

  const metadata = await client.retrieveSeriesMetadata(one);
  out.metadata = metadata.length;
  out.name = dcmjs.data.DicomMetaDictionary.naturalizeDataset(metadata[0]).PatientName[0].Alphabetic;
  out.study = (await client.retrieveStudyMetadata(one)).length;

  const file = await client.retrieveInstance(one);
  out.patient = naturalize(file).PatientID;
  out.files = (await client.retrieveSeries(one)).length;
  out.frame = (await client.retrieveInstanceFrames({ ...one, frameNumbers: [1] }))[0].byteLength;
  out.bulk = (await client.retrieveBulkData({ BulkDataURI: metadata[0]['7FE00010'].BulkDataURI.replace(/^https:\/\/[^/]*\/dicom-web/, url) }))[0].byteLength;

  const rendered = await client.retrieveInstanceRendered({ ...one, mediaTypes: [{ mediaType: 'image/png' }], queryParams: { viewport: '32,32' } });
  out.png = Buffer.from(rendered[0]).subarray(1, 4).toString();
  const frame = await client.retrieveInstanceFramesRendered({ ...one, frameNumbers: [1], mediaTypes: [{ mediaType: 'image/jpeg' }] });
  out.jpeg = Buffer.from(frame[0]).readUInt16BE(0);
  const thumbnail = await client.retrieveInstanceThumbnail({ ...one, mediaTypes: [{ mediaType: 'image/jpeg' }] });
  out.thumbnail = Buffer.from(thumbnail[0]).readUInt16BE(0);

  await client.storeInstances({ datasets: [changed(file, '1.2.826.0.1.3680043.8.498.77.1'), changed(file, '1.2.826.0.1.3680043.8.498.77.2')] });
  out.stored = (await client.searchForInstances({ studyInstanceUID: study, seriesInstanceUID: series })).length;
  const back = await client.retrieveInstance({ ...one, sopInstanceUID: '1.2.826.0.1.3680043.8.498.77.2' });
  out.back = naturalize(back).SOPInstanceUID;
  return out;
}

run().then(
  (out) => console.log(JSON.stringify(out)),
  (err) => { console.error(err && err.stack || err); process.exit(1); },
);
