// Reads and writes NumPy's .npy and .npz files (an .npz is a zip of .npy members).
// An array is {type, dims, data}; `type` is ONNX Runtime's name of the element type and `data` the
// typed array it wants (float16 as Uint16Array of bit patterns, bool as Uint8Array).

import fs from 'node:fs';
import zlib from 'node:zlib';

const kTypes = [
  // type, npy descriptor, typed array
  ['float32', '<f4', Float32Array],
  ['float64', '<f8', Float64Array],
  ['float16', '<f2', Uint16Array],
  ['int8', '|i1', Int8Array],
  ['uint8', '|u1', Uint8Array],
  ['int16', '<i2', Int16Array],
  ['uint16', '<u2', Uint16Array],
  ['int32', '<i4', Int32Array],
  ['uint32', '<u4', Uint32Array],
  ['int64', '<i8', BigInt64Array],
  ['uint64', '<u8', BigUint64Array],
  ['bool', '|b1', Uint8Array],
];

export const arrayClass = Object.fromEntries(kTypes.map(([type, , array]) => [type, array]));

const kMagic = Buffer.from('\x93NUMPY', 'latin1');

export function decodeNpy(bytes, what) {
  if (bytes.length < 12 || !bytes.subarray(0, 6).equals(kMagic)) throw new Error(`${what}: not an .npy file`);
  const wide = bytes[6] >= 2;
  const start = wide ? 12 : 10;
  const headerSize = wide ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', start, start + headerSize);
  const descriptor = /'descr':\s*'([^']+)'/.exec(header)?.[1];
  const fortran = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  if (!descriptor || !fortran || shape === undefined) throw new Error(`${what}: unreadable .npy header: ${header.trim()}`);
  const entry = kTypes.find(([, name]) => name === descriptor || name.replace('|', '<') === descriptor);
  if (!entry) throw new Error(`${what}: element type ${descriptor} is not supported`);
  const dims = shape.split(',').map((s) => s.trim()).filter((s) => s !== '').map(Number);
  if (fortran === 'True' && dims.length > 1) throw new Error(`${what}: Fortran order is not supported; save with numpy.ascontiguousarray`);
  const count = dims.reduce((a, b) => a * b, 1);
  const begin = start + headerSize;
  const size = count * entry[2].BYTES_PER_ELEMENT;
  if (bytes.length < begin + size) throw new Error(`${what}: truncated, ${bytes.length - begin} of ${size} data bytes`);
  const copy = new ArrayBuffer(size);  // typed arrays need aligned storage
  new Uint8Array(copy).set(bytes.subarray(begin, begin + size));
  return { type: entry[0], dims, data: new entry[2](copy) };
}

export function encodeNpy(array, what) {
  const entry = kTypes.find(([type]) => type === array.type);
  if (!entry) throw new Error(`${what}: element type ${array.type} cannot be written as .npy`);
  const shape = `(${array.dims.join(', ')}${array.dims.length === 1 ? ',' : ''})`;
  let header = `{'descr': '${entry[1]}', 'fortran_order': False, 'shape': ${shape}, }`;
  header = header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11) + '\n';
  const head = Buffer.alloc(10);
  kMagic.copy(head);
  head[6] = 1;
  head.writeUInt16LE(header.length, 8);
  const { buffer, byteOffset, byteLength } = array.data;
  return Buffer.concat([head, Buffer.from(header, 'latin1'), Buffer.from(buffer, byteOffset, byteLength)]);
}

const kCrcTable = Uint32Array.from({ length: 256 }, (_, i) => {
  let c = i;
  for (let bit = 0; bit < 8; ++bit) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  return c;
});

function crc32(bytes) {
  if (zlib.crc32) return zlib.crc32(bytes);
  let c = 0xffffffff;
  for (let i = 0; i < bytes.length; ++i) c = kCrcTable[(c ^ bytes[i]) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

// The members of a zip file as [name, bytes], found through the central directory.
function unzip(bytes, what) {
  let end = bytes.length - 22;
  while (end >= 0 && bytes.readUInt32LE(end) !== 0x06054b50) --end;
  if (end < 0) throw new Error(`${what}: not a zip file, or truncated`);
  let count = bytes.readUInt16LE(end + 10);
  let at = bytes.readUInt32LE(end + 16);
  if (end >= 20 && bytes.readUInt32LE(end - 20) === 0x07064b50) {
    const end64 = Number(bytes.readBigUInt64LE(end - 12));
    count = Number(bytes.readBigUInt64LE(end64 + 32));
    at = Number(bytes.readBigUInt64LE(end64 + 48));
  }
  const members = [];
  for (let i = 0; i < count; ++i) {
    if (bytes.readUInt32LE(at) !== 0x02014b50) throw new Error(`${what}: broken zip directory`);
    const method = bytes.readUInt16LE(at + 10);
    const crc = bytes.readUInt32LE(at + 16);
    const nameSize = bytes.readUInt16LE(at + 28);
    const extraSize = bytes.readUInt16LE(at + 30);
    const name = bytes.toString('utf8', at + 46, at + 46 + nameSize);
    const wide = [bytes.readUInt32LE(at + 24), bytes.readUInt32LE(at + 20), bytes.readUInt32LE(at + 42)];
    // A zip64 extra field carries, in this order, those of the three that did not fit.
    for (let e = at + 46 + nameSize; e < at + 46 + nameSize + extraSize; e += 4 + bytes.readUInt16LE(e + 2)) {
      if (bytes.readUInt16LE(e) !== 1) continue;
      let value = e + 4;
      for (let k = 0; k < 3; ++k) {
        if (wide[k] !== 0xffffffff) continue;
        wide[k] = Number(bytes.readBigUInt64LE(value));
        value += 8;
      }
    }
    const [size, packed, local] = wide;
    const data = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const stored = bytes.subarray(data, data + packed);
    if (method !== 0 && method !== 8) throw new Error(`${what}: member ${name} uses zip method ${method}`);
    const plain = method === 0 ? stored : zlib.inflateRawSync(stored);
    if (plain.length !== size || crc32(plain) !== crc) throw new Error(`${what}: member ${name} is damaged`);
    members.push([name, plain]);
    at += 46 + nameSize + extraSize + bytes.readUInt16LE(at + 32);
  }
  return members;
}

function zip(members) {
  const parts = [];
  const directory = [];
  let at = 0;
  for (const [name, bytes] of members) {
    const encoded = Buffer.from(name, 'utf8');
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x800, 2);  // names are UTF-8
    common.writeUInt16LE(0x21, 8);   // 1 January 1980: the same arrays give the same file
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(bytes.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(encoded.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, encoded]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(at, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, rest, encoded]));
    parts.push(local, bytes);
    at += local.length + bytes.length;
    if (at > 0xffffffff) throw new Error('an .npz above 4 GB cannot be written');
  }
  const size = directory.reduce((sum, entry) => sum + entry.length, 0);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(directory.length, 8);
  end.writeUInt16LE(directory.length, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, ...directory, end]);
}

// Returns a Map from name to array. A lone .npy has the name ''.
export function readArrays(path) {
  const bytes = fs.readFileSync(path);
  if (path.endsWith('.npy')) return new Map([['', decodeNpy(bytes, path)]]);
  return new Map(unzip(bytes, path).map(([name, data]) => {
    const key = name.replace(/\.npy$/, '');
    return [key, decodeNpy(data, `${path}: ${key}`)];
  }));
}

export function writeArrays(path, arrays) {
  const members = [...arrays].map(([name, array]) => [`${name}.npy`, encodeNpy(array, name)]);
  const temporary = `${path}.tmp${process.pid}`;
  fs.writeFileSync(temporary, zip(members));
  fs.renameSync(temporary, path);
}
