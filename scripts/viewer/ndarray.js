// The views of the npm package ndarray 1.0.19 without code that is made at run
// time: the original builds each constructor with new Function, which the
// page's content security policy forbids, and segmentations would never load.
// pack.mjs puts this in the place of compileConstructor(dtype, dimension); the
// name CACHED_CONSTRUCTORS comes from the code around that place.
function compileConstructor(dtype, dimension) {
  var generic = dtype === 'generic';
  var constructors = CACHED_CONSTRUCTORS[dtype];
  if (dimension === -1) {
    return compileNil(dtype);
  }

  function View(data, shape, stride, offset) {
    this.data = data;
    this.shape = shape;
    this.stride = stride;
    this.offset = offset | 0;
  }
  function bound(x) {
    return typeof x === 'number' && x >= 0;
  }
  var proto = View.prototype;
  proto.dtype = dtype;
  proto.dimension = dimension;
  Object.defineProperty(proto, 'size', {
    get: function () {
      return this.shape.reduce(function (product, n) { return product * n; }, 1);
    },
  });
  Object.defineProperty(proto, 'order', {
    get: function () {
      var stride = this.stride;
      return stride.map(function (_, i) { return i; }).sort(function (a, b) {
        return Math.abs(stride[a]) - Math.abs(stride[b]);
      });
    },
  });
  proto.index = function () {
    var at = this.offset;
    for (var i = 0; i < dimension; i++) {
      at += this.stride[i] * arguments[i];
    }
    return at;
  };
  proto.get = function () {
    var at = this.index.apply(this, arguments);
    return generic ? this.data.get(at) : this.data[at];
  };
  proto.set = function () {
    var at = this.index.apply(this, arguments);
    var value = arguments[dimension];
    return generic ? this.data.set(at, value) : (this.data[at] = value);
  };
  proto.hi = function () {
    var to = arguments;
    var shape = this.shape.map(function (n, i) { return bound(to[i]) ? to[i] | 0 : n; });
    return new View(this.data, shape, this.stride.slice(), this.offset);
  };
  proto.lo = function () {
    var from = arguments;
    var stride = this.stride.slice();
    var offset = this.offset;
    var shape = this.shape.map(function (n, i) {
      if (!bound(from[i])) {
        return n;
      }
      var d = from[i] | 0;
      offset += stride[i] * d;
      return n - d;
    });
    return new View(this.data, shape, stride, offset);
  };
  proto.step = function () {
    var offset = this.offset;
    var shape = this.shape.slice();
    var stride = this.stride.slice();
    for (var i = 0; i < dimension; i++) {
      if (typeof arguments[i] !== 'number') {
        continue;
      }
      var d = arguments[i] | 0;
      if (d < 0) {
        offset += stride[i] * (shape[i] - 1);
        shape[i] = Math.ceil(-shape[i] / d);
      } else {
        shape[i] = Math.ceil(shape[i] / d);
      }
      stride[i] *= d;
    }
    return new View(this.data, shape, stride, offset);
  };
  proto.transpose = function () {
    var axes = arguments;
    var order = this.shape.map(function (_, i) { return axes[i] === undefined ? i : axes[i] | 0; });
    var self = this;
    return new View(
      this.data,
      order.map(function (i) { return self.shape[i]; }),
      order.map(function (i) { return self.stride[i]; }),
      this.offset
    );
  };
  proto.pick = function () {
    var offset = this.offset;
    var shape = [];
    var stride = [];
    for (var i = 0; i < dimension; i++) {
      if (bound(arguments[i])) {
        offset = (offset + this.stride[i] * arguments[i]) | 0;
      } else {
        shape.push(this.shape[i]);
        stride.push(this.stride[i]);
      }
    }
    return constructors[shape.length + 1](this.data, shape, stride, offset);
  };
  return function (data, shape, stride, offset) {
    return new View(data, Array.prototype.slice.call(shape || []), Array.prototype.slice.call(stride || []), offset);
  };

  // compileNil makes the view of nothing, which ndarray counts as dimension -1.
  function compileNil(dtype) {
    function Nil(data) {
      this.data = data;
    }
    var proto = Nil.prototype;
    proto.dtype = dtype;
    proto.index = function () { return -1; };
    proto.size = 0;
    proto.dimension = -1;
    proto.shape = proto.stride = proto.order = [];
    proto.lo = proto.hi = proto.transpose = proto.step = function () { return new Nil(this.data); };
    proto.get = proto.set = function () {};
    proto.pick = function () { return null; };
    return function (data) { return new Nil(data); };
  }
}
