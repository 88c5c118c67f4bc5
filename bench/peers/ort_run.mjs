#!/usr/bin/env node
// ONNX Runtime as a peer: its outputs on given inputs, and its times. See README.md.

import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { arrayClass, readArrays, writeArrays } from './npz.mjs';
import { innerValues, withOutputs } from './onnx_bytes.mjs';

const kUsage = `usage:
  ort_run.mjs run MODEL --input in.npz -o out.npz       one frame
  ort_run.mjs run MODEL --inputs DIR --outputs DIR      every .npz and .npy of DIR
  ort_run.mjs bench MODEL [--runs N] [--warmup N] [--seconds S] [--input in.npz] [--json]
  ort_run.mjs batch LIST.jsonl                          many models: {"model", "input", "output"} per line
  ort_run.mjs optimize MODEL -o OUT.onnx|OUT.ort        write the model as its optimizations leave it
  ort_run.mjs describe MODEL                            inputs and outputs as JSON
  ort_run.mjs expose MODEL -o OUT [--all-values NAMES]  write the model with inner values as outputs
options:
  --threads N            intra-op threads (1)
  --optimization LEVEL   disabled, basic, extended or all (all)
  --all-values [NAMES]   also give inner values: a,b,c or @file with one name per line; without NAMES all
  --shape NAME=1x3x8x8   shape of a free input (bench); may be repeated
  --seed N               seed of the random inputs of bench (1)`;

class UsageError extends Error {}

function parse(argv) {
  // parseArgs knows no option whose value may be left out.
  const args = argv.flatMap((arg, i) =>
    arg === '--all-values' && (i + 1 === argv.length || argv[i + 1].startsWith('-')) ? ['--all-values='] : [arg]);
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        input: { type: 'string' },
        output: { type: 'string', short: 'o' },
        inputs: { type: 'string' },
        outputs: { type: 'string' },
        threads: { type: 'string', default: '1' },
        optimization: { type: 'string', default: 'all' },
        'all-values': { type: 'string' },
        shape: { type: 'string', multiple: true, default: [] },
        seed: { type: 'string', default: '1' },
        runs: { type: 'string', default: '50' },
        warmup: { type: 'string', default: '3' },
        seconds: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error.message);
  }
}

function integer(text, name, least) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) throw new UsageError(`--${name}: "${text}" is not a whole number of at least ${least}`);
  return value;
}

let ort;
let libraryMs = 0;
async function loadLibrary() {
  const start = performance.now();
  try {
    ort = (await import('onnxruntime-node')).default;
  } catch (error) {
    throw new Error(`onnxruntime-node cannot be loaded (run npm ci --ignore-scripts in bench/peers): ${error.message}`);
  }
  ort.env.logLevel = 'error';
  libraryMs = performance.now() - start;
}

async function openSession(model, values, more = {}) {
  if (!['disabled', 'basic', 'extended', 'all'].includes(values.optimization)) {
    throw new UsageError(`--optimization: unknown level "${values.optimization}"`);
  }
  const options = {
    executionProviders: ['cpu'],
    graphOptimizationLevel: values.optimization,
    executionMode: 'sequential',
    intraOpNumThreads: integer(values.threads, 'threads', 1),
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    ...more,
  };
  const wanted = values['all-values'];
  if (wanted === undefined) {
    if (!fs.existsSync(model)) throw new Error(`${model}: no such file`);
    return ort.InferenceSession.create(model, options);
  }
  // A model given as bytes has no folder: ONNX Runtime then looks for external data here.
  const bytes = exposed(model, wanted);
  const here = process.cwd();
  process.chdir(path.dirname(path.resolve(model)));
  try {
    return await ort.InferenceSession.create(bytes, options);
  } finally {
    process.chdir(here);
  }
}

// The model's bytes with the wanted inner values (--all-values) as outputs.
function exposed(model, wanted) {
  const bytes = fs.readFileSync(model);
  const all = innerValues(bytes);
  const names = wanted === '' ? all
    : wanted.startsWith('@') ? fs.readFileSync(wanted.slice(1), 'utf8').split('\n').map((s) => s.trim()).filter(Boolean)
    : wanted.split(',');
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length) throw new Error(`${model}: no node computes ${unknown.join(', ')}`);
  return withOutputs(bytes, names);
}

function feedsFrom(arrays, session, what) {
  if (arrays.size === 1 && arrays.has('') && session.inputNames.length === 1) {
    arrays = new Map([[session.inputNames[0], arrays.get('')]]);
  }
  const feeds = {};
  for (const [name, array] of arrays) {
    const at = session.inputNames.indexOf(name);
    if (at < 0) throw new Error(`${what}: the model has no input "${name}"; it has ${session.inputNames.join(', ')}`);
    const { type } = session.inputMetadata[at];
    if (type !== array.type) throw new Error(`${what}: input "${name}" is ${array.type}, the model wants ${type}`);
    feeds[name] = new ort.Tensor(array.type, array.data, array.dims);
  }
  const missing = session.inputNames.filter((name) => !(name in feeds));
  if (missing.length) throw new Error(`${what}: no array for input ${missing.join(', ')}`);
  return feeds;
}

async function runFrame(session, input, output) {
  const results = await session.run(feedsFrom(readArrays(input), session, input));
  const arrays = session.outputNames.map((name) => {
    const { type, dims, data } = results[name];
    return [name, { type, dims, data }];
  });
  fs.mkdirSync(path.dirname(path.resolve(output)), { recursive: true });
  writeArrays(output, arrays);
}

async function run(model, values) {
  const one = values.input !== undefined && values.output !== undefined;
  const many = values.inputs !== undefined && values.outputs !== undefined;
  if (one === many) throw new UsageError('run wants --input and -o, or --inputs and --outputs');
  const frames = one ? [[values.input, values.output]]
    : fs.readdirSync(values.inputs).filter((name) => /\.np[yz]$/.test(name)).sort()
      .map((name) => [path.join(values.inputs, name), path.join(values.outputs, name.replace(/\.npy$/, '.npz'))]);
  if (!frames.length) throw new Error(`${values.inputs}: holds no .npz or .npy file`);
  const session = await openSession(model, values);
  for (const [input, output] of frames) await runFrame(session, input, output);
}

// The same sequence on every machine (mulberry32).
function randomSource(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function float16Bits(value) {
  if (value === 0) return 0;
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(value))), -14);
  const mantissa = Math.round(Math.abs(value) / 2 ** (exponent - 10));
  return (value < 0 ? 0x8000 : 0) + (exponent + 14) * 1024 + mantissa;
}

// Free axes as octet bench chooses them: batch 1, picture axes 320, others 32.
function freeAxis(axis, rank) {
  if (axis === 0) return 1;
  return rank === 4 && axis >= 2 ? 320 : 32;
}

function randomFeeds(session, values) {
  const random = randomSource(integer(values.seed, 'seed', 0));
  const given = new Map(values.shape.map((text) => {
    const match = /^(.+)=((?:\d+x)*\d+)$/.exec(text);
    if (!match) throw new UsageError(`--shape: "${text}" is not of the form name=1x3x224x224`);
    return [match[1], match[2].split('x').map(Number)];
  }));
  for (const name of given.keys()) {
    if (!session.inputNames.includes(name)) throw new UsageError(`--shape: the model has no input "${name}"; it has ${session.inputNames.join(', ')}`);
  }
  const feeds = {};
  for (const { name, type, shape } of session.inputMetadata) {
    if (!arrayClass[type]) throw new Error(`input "${name}" is ${type}: give its value with --input`);
    const dims = given.get(name) ?? shape.map((dim, axis) => (typeof dim === 'number' ? dim : freeAxis(axis, shape.length)));
    const data = new arrayClass[type](dims.reduce((a, b) => a * b, 1));
    for (let i = 0; i < data.length; ++i) {
      const r = random();
      if (type === 'float32' || type === 'float64') data[i] = 2 * r - 1;
      else if (type === 'float16') data[i] = float16Bits(2 * r - 1);
      else if (type === 'bool') data[i] = r < 0.5 ? 0 : 1;
      else if (type === 'uint8') data[i] = Math.floor(r * 256);
      else if (type === 'int8') data[i] = Math.floor(r * 256) - 128;
      else if (type === 'int64' || type === 'uint64') data[i] = BigInt(Math.floor(r * 8));  // often an index
      else data[i] = Math.floor(r * 8);
    }
    feeds[name] = new ort.Tensor(type, data, dims);
  }
  return feeds;
}

function quantile(sorted, fraction) {
  return sorted[Math.min(sorted.length - 1, Math.ceil(fraction * sorted.length) - 1)];
}

async function bench(model, values) {
  const created = performance.now();
  const session = await openSession(model, values);
  const initMs = performance.now() - created;
  const feeds = values.input ? feedsFrom(readArrays(values.input), session, values.input) : randomFeeds(session, values);
  const timed = async () => {
    const start = performance.now();
    await session.run(feeds);
    return performance.now() - start;
  };
  const firstMs = await timed();
  for (let i = integer(values.warmup, 'warmup', 0); i > 0; --i) await timed();
  const runs = integer(values.runs, 'runs', 1);
  const limit = values.seconds === undefined ? Infinity : performance.now() + 1000 * Number(values.seconds);
  const times = [];
  while (times.length < runs && (times.length < 3 || performance.now() < limit)) times.push(await timed());
  times.sort((a, b) => a - b);
  const peak = fs.existsSync('/proc/self/status')
    ? Number(/VmHWM:\s*(\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]) / 1024 : null;
  const round = (x) => Math.round(x * 1000) / 1000;
  const p50 = quantile(times, 0.5);
  const result = {
    model,
    engine: `onnxruntime ${ort.env.versions.node ?? ort.env.versions.common}`,
    threads: Number(values.threads),
    inputs: Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, tensor.dims])),
    file_bytes: fs.statSync(model).size,
    library_ms: round(libraryMs),
    init_ms: round(initMs),
    first_ms: round(firstMs),
    first_frame_ms: round(libraryMs + initMs + firstMs),  // without the start of Node itself
    runs: times.length,
    p50_ms: round(p50),
    p99_ms: round(quantile(times, 0.99)),
    fps_model: round(1000 / p50),
    peak_memory_mb: peak === null ? null : round(peak),  // includes Node's own 40 MB or so
  };
  if (values.json) {
    console.log(JSON.stringify(result));
  } else {
    for (const [key, value] of Object.entries(result)) console.log(key.padEnd(16), typeof value === 'object' ? JSON.stringify(value) : value);
  }
}

// One process for many small models. Prints one JSON line each; a model that fails is reported and the rest goes on.
async function batch(list, values) {
  let failed = 0;
  for (const line of fs.readFileSync(list, 'utf8').split('\n').filter(Boolean)) {
    const { model, input, output } = JSON.parse(line);
    try {
      const session = await openSession(model, values);
      await runFrame(session, input, output);
      await session.release();
      console.log(JSON.stringify({ model, ok: true }));
    } catch (error) {
      ++failed;
      console.log(JSON.stringify({ model, ok: false, error: error.message }));
    }
  }
  if (failed) throw new Error(`${failed} models failed`);
}

async function describe(model, values) {
  const session = await openSession(model, values);
  console.log(JSON.stringify({ inputs: session.inputMetadata, outputs: session.outputMetadata }, null, 1));
}

// Written once, such a file is opened with --optimization disabled. ONNX Runtime takes its own format by the name's ending.
async function optimize(model, values) {
  if (values.output === undefined) throw new UsageError('optimize wants -o OUT');
  await openSession(model, values, { optimizedModelFilePath: values.output });
}

async function expose(model, values) {
  if (values.output === undefined) throw new UsageError('expose wants -o OUT');
  fs.writeFileSync(values.output, exposed(model, values['all-values'] ?? ''));
}

async function main(argv) {
  const { values, positionals } = parse(argv);
  if (values.help) return console.log(kUsage);
  const command = { run, bench, batch, optimize, describe, expose }[positionals[0]];
  if (!command) throw new UsageError(positionals.length ? `unknown subcommand "${positionals[0]}"` : 'no subcommand');
  if (positionals.length !== 2) throw new UsageError(`${positionals[0]} wants one file, got ${positionals.length - 1}`);
  if (command !== expose) await loadLibrary();
  return command(positionals[1], values);
}

main(process.argv.slice(2)).catch((error) => {
  const usage = error instanceof UsageError;
  console.error(`ort_run: ${error.message}${usage ? `\n${kUsage}` : ''}`);
  process.exitCode = usage ? 2 : 1;
});
