#include "base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace octet {

namespace {

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// About 50 µs of spinning: longer than the gap between two steps, shorter than anyone would notice between frames.
constexpr int kSpins = 2000;

thread_local bool inside_task = false;

}  // namespace

struct ThreadPool::Shared {
  std::mutex callers;   // held by the caller whose loop the workers serve

  // The loop in flight. Written by the caller before `generation` is raised, read by workers after they saw it.
  Function function = nullptr;
  void* context = nullptr;
  int64_t tasks = 0, grain = 1;
  alignas(64) std::atomic<int64_t> next{0};
  alignas(64) std::atomic<uint64_t> generation{0};
  alignas(64) std::atomic<int> active{0};   // workers inside the loop in flight; the top bit closes it to latecomers
  std::atomic<int> sleepers{0};
  std::atomic<bool> stop{false};
  std::mutex sleep_mutex;
  std::condition_variable wake;
  std::vector<std::thread> workers;

  static constexpr int kClosed = 1 << 30;

  void work(int worker) {
    for (;;) {
      int64_t begin = next.fetch_add(grain, std::memory_order_relaxed);
      if (begin >= tasks) return;
      int64_t end = begin + grain < tasks ? begin + grain : tasks;
      function(context, begin, end, worker);
    }
  }

  void loop(int worker) {
    inside_task = true;   // nested loops run in place
    uint64_t seen = 0;
    for (;;) {
      uint64_t now = generation.load(std::memory_order_acquire);
      for (int spin = 0; now == seen && spin < kSpins && !stop.load(std::memory_order_relaxed); ++spin) {
        pause();
        now = generation.load(std::memory_order_acquire);
      }
      if (now == seen) {
        std::unique_lock<std::mutex> lock(sleep_mutex);
        sleepers.fetch_add(1, std::memory_order_seq_cst);
        wake.wait(lock, [&] { return stop.load() || generation.load(std::memory_order_seq_cst) != seen; });
        sleepers.fetch_sub(1, std::memory_order_seq_cst);
        now = generation.load(std::memory_order_acquire);
      }
      if (stop.load(std::memory_order_relaxed)) return;
      seen = now;
      // Enter unless the caller has already closed this loop; then wait for the next generation.
      if (active.fetch_add(1, std::memory_order_acquire) < kClosed) work(worker);
      active.fetch_sub(1, std::memory_order_release);
    }
  }
};

ThreadPool::ThreadPool(int threads) : threads_(threads < 1 ? 1 : threads), shared_(std::make_unique<Shared>()) {
  shared_->active = Shared::kClosed;
  shared_->workers.reserve(static_cast<size_t>(threads_ - 1));
  for (int worker = 1; worker < threads_; ++worker)
    shared_->workers.emplace_back([shared = shared_.get(), worker] { shared->loop(worker); });
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard<std::mutex> lock(shared_->sleep_mutex);
    shared_->stop = true;
  }
  shared_->wake.notify_all();
  for (std::thread& worker : shared_->workers) worker.join();
}

void ThreadPool::run(int64_t tasks, int64_t grain, Function function, void* context) {
  if (tasks <= 0) return;
  if (grain < 1) grain = 1;
  if (threads_ == 1 || tasks <= grain || inside_task) {
    function(context, 0, tasks, 0);
    return;
  }
  std::unique_lock<std::mutex> turn(shared_->callers, std::try_to_lock);
  if (!turn.owns_lock()) {
    function(context, 0, tasks, 0);
    return;
  }
  Shared& s = *shared_;
  s.function = function;
  s.context = context;
  s.tasks = tasks;
  s.grain = grain;
  s.next.store(0, std::memory_order_relaxed);
  // Open by subtraction: a worker that saw the last loop too late may hold a count at this moment, and it reads the
  // fields above only if it enters after this line.
  s.active.fetch_sub(Shared::kClosed, std::memory_order_acq_rel);
  s.generation.fetch_add(1, std::memory_order_seq_cst);
  if (s.sleepers.load(std::memory_order_seq_cst) > 0) {
    { std::lock_guard<std::mutex> lock(s.sleep_mutex); }
    s.wake.notify_all();
  }
  inside_task = true;
  s.work(0);
  inside_task = false;
  s.active.fetch_add(Shared::kClosed, std::memory_order_acq_rel);   // close, then wait for those inside
  while (s.active.load(std::memory_order_acquire) != Shared::kClosed) pause();
}

std::shared_ptr<ThreadPool> shared_thread_pool(int threads) {
  static std::mutex mutex;
  static std::vector<std::weak_ptr<ThreadPool>> pools;   // at most one for each number of threads
  std::lock_guard<std::mutex> lock(mutex);
  std::erase_if(pools, [](const std::weak_ptr<ThreadPool>& pool) { return pool.expired(); });
  for (const auto& weak : pools)
    if (auto pool = weak.lock(); pool != nullptr && pool->threads() == std::max(threads, 1)) return pool;
  auto pool = std::make_shared<ThreadPool>(threads);
  pools.push_back(pool);
  return pool;
}

}  // namespace octet
