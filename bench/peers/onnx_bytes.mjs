// The little of ONNX's protobuf that exposing inner values needs.

function* fields(bytes) {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      if (at >= bytes.length) throw new Error('not an ONNX file, or truncated');
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const wire = tag & 7;
    if (wire === 0) {
      varint();
      continue;
    }
    const size = wire === 2 ? varint() : wire === 1 ? 8 : wire === 5 ? 4 : NaN;
    if (!(at + size <= bytes.length)) throw new Error('not an ONNX file, or truncated');
    if (wire === 2) yield [Math.floor(tag / 8), bytes.subarray(at, at + size)];
    at += size;
  }
}

function lengthDelimited(field, bytes) {
  const head = [field * 8 + 2];
  let size = bytes.length;
  for (; size > 127; size = Math.floor(size / 128)) head.push((size % 128) + 128);
  head.push(size);
  return Buffer.concat([Buffer.from(head), bytes]);
}

// ModelProto.graph = 7; GraphProto.node = 1, output = 12; NodeProto.output = 2; ValueInfoProto.name = 1.
const children = (bytes, field) => [...fields(bytes)].filter(([number]) => number === field).map(([, data]) => data);

// Names of everything the nodes of the main graph compute, in the file's order.
export function innerValues(model) {
  const names = children(model, 7)
    .flatMap((graph) => children(graph, 1))
    .flatMap((node) => children(node, 2))
    .map((name) => name.toString('utf8'));
  return [...new Set(names)].filter((name) => name !== '');
}

export function graphOutputs(model) {
  return children(model, 7)
    .flatMap((graph) => children(graph, 12))
    .flatMap((value) => children(value, 1))
    .map((name) => name.toString('utf8'));
}

// The model with `names` as further graph outputs. Concatenated protobuf messages merge, so the new
// outputs are appended and nothing is rewritten; ONNX Runtime infers the types left out here.
export function withOutputs(model, names) {
  const present = new Set(graphOutputs(model));
  const outputs = names
    .filter((name) => !present.has(name))
    .map((name) => lengthDelimited(12, lengthDelimited(1, Buffer.from(name, 'utf8'))));
  return Buffer.concat([model, lengthDelimited(7, Buffer.concat(outputs))]);
}
