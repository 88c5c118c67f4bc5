// A pool of worker threads for data-parallel loops.
//
// Work is a number of equal tasks. Who runs which task never changes a result: tasks write disjoint outputs.
// Workers spin briefly between loops of one inference (waking a sleeper costs 60 µs, a spinning one 0.5 µs) and
// sleep otherwise. The workers serve one loop at a time: a second thread that calls `run` meanwhile, and a call from inside a task,
// run theirs in place, so that nothing oversubscribes the machine and nobody waits.
#pragma once

#include <cstdint>
#include <memory>

namespace octet {

class ThreadPool {
 public:
  // `threads` counts the calling thread: 1 runs everything in place and starts nothing. Workers start in the
  // background; work handed in before they are up is shared among those that are.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_; }

  // Calls function(context, begin, end, worker) over a partition of [0, tasks) into ranges of up to `grain` tasks
  // and returns when all are done; worker is in [0, threads()). Tasks must not throw; `run` allocates nothing.
  using Function = void (*)(void* context, int64_t begin, int64_t end, int worker);
  void run(int64_t tasks, int64_t grain, Function function, void* context);

  // The same for a callable (begin, end, worker).
  template <typename Body>
  void parallel_for(int64_t tasks, int64_t grain, Body&& body) {
    using Plain = std::remove_reference_t<Body>;
    run(tasks, grain,
        [](void* context, int64_t begin, int64_t end, int worker) { (*static_cast<Plain*>(context))(begin, end, worker); },
        const_cast<void*>(static_cast<const void*>(&body)));
  }

 private:
  struct Shared;
  int threads_;
  std::unique_ptr<Shared> shared_;
};

// The pool of this many threads that the whole process shares, made when it is first asked for and kept while somebody holds it: two
// Sessions of two threads use two threads between them, not four. May be called from any thread.
std::shared_ptr<ThreadPool> shared_thread_pool(int threads);

}  // namespace octet
