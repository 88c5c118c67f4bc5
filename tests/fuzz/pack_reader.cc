// Reads arbitrary bytes as a pack, with the checksums put right so that what lies behind them is tested too, and runs what is accepted.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "base/cpu.h"
#include "base/thread_pool.h"
#include "kernels/crc32c/crc32c.h"
#include "octet/arrays.h"
#include "octet/error.h"
#include "passes/pass.h"
#include "plan/pack.h"
#include "plan/pack_format.h"
#include "runtime/execution.h"

namespace {

void mend(std::byte* bytes, size_t size) {
  octet::pack_format::Header header;
  if (size < sizeof header) return;
  const auto run = octet::kernels::crc32c::select(octet::supported_isas().back()).kernel->run;
  std::memcpy(&header, bytes, sizeof header);
  std::memcpy(header.magic, octet::pack_format::kMagic, sizeof header.magic);
  header.version = octet::pack_format::kVersion;
  header.file_bytes = size;
  if (header.structure_bytes <= size - sizeof header) header.structure_crc = run(0, bytes + sizeof header, header.structure_bytes);
  header.header_crc = run(0, &header, offsetof(octet::pack_format::Header, header_crc));
  std::memcpy(bytes, &header, sizeof header);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int64_t kMostBytes = 16 << 20;
  size_t room = (size + 64 + 63) / 64 * 64;
  std::shared_ptr<std::byte> bytes(static_cast<std::byte*>(std::aligned_alloc(64, room)), std::free);
  std::memset(bytes.get(), 0, room);
  if (size != 0) std::memcpy(bytes.get(), data, size);
  mend(bytes.get(), size);
  octet::ThreadPool pool(1);
  try {
    auto pack = octet::Pack::read({bytes.get(), size}, bytes);
    for (size_t i = 0; i < pack->size(); ++i) {
      octet::Pack::Loaded loaded = pack->load(i);
      octet::run_passes(*loaded.graph, octet::engine_passes().last(1), {});
      auto plan = octet::compile_plan(std::move(loaded.graph), {octet::isa_from_name(pack->facts().isa), 1, nullptr, &loaded.stored});
      if (plan->arena_bytes + plan->scratch_bytes > kMostBytes) continue;
      octet::Execution execution(*plan, pool, false);
      execution.run(octet::random_inputs(pack->facts().inputs, pack->shapes(i), 1), {}, nullptr);
    }
  } catch (const octet::Error&) {
  } catch (const std::bad_alloc&) {
  }
  return 0;
}
