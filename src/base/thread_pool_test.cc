#include "base/thread_pool.h"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace octet {
namespace {

TEST(ThreadPool, RunsEveryTaskOnce) {
  for (int threads : {1, 2, 4}) {
    ThreadPool pool(threads);
    for (int64_t tasks : {0, 1, 2, 7, 100, 1000}) {
      for (int64_t grain : {1, 3, 64}) {
        std::vector<std::atomic<int>> hits(static_cast<size_t>(tasks));
        pool.parallel_for(tasks, grain, [&](int64_t begin, int64_t end, int worker) {
          ASSERT_GE(worker, 0);
          ASSERT_LT(worker, threads);
          for (int64_t i = begin; i < end; ++i) hits[static_cast<size_t>(i)]++;
        });
        for (auto& hit : hits) EXPECT_EQ(hit.load(), 1);
      }
    }
  }
}

TEST(ThreadPool, SurvivesManyShortLoopsAndPauses) {
  ThreadPool pool(4);
  std::atomic<int64_t> sum{0};
  for (int i = 0; i < 2000; ++i) {
    pool.parallel_for(8, 1, [&](int64_t begin, int64_t end, int) { sum += end - begin; });
    if (i % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));   // let the workers fall asleep
  }
  EXPECT_EQ(sum.load(), 2000 * 8);
}

TEST(ThreadPool, NestedLoopsRunInPlace) {
  ThreadPool pool(3);
  std::atomic<int> inner{0};
  pool.parallel_for(6, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) pool.parallel_for(5, 1, [&](int64_t b, int64_t e, int) { inner += int(e - b); });
  });
  EXPECT_EQ(inner.load(), 30);
}

TEST(ThreadPool, CallersOnSeveralThreadsAllFinish) {
  ThreadPool pool(2);
  std::atomic<int> sum{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 3; ++c)
    callers.emplace_back([&] {
      for (int i = 0; i < 200; ++i) pool.parallel_for(10, 1, [&](int64_t b, int64_t e, int) { sum += int(e - b); });
    });
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(sum.load(), 3 * 200 * 10);
}

TEST(ThreadPool, ASecondCallerRunsItsLoopInPlace) {
  ThreadPool pool(2);
  std::atomic<int> entered{0};
  std::atomic<bool> release{false};
  std::thread first([&] {
    pool.parallel_for(2, 1, [&](int64_t, int64_t, int) {
      ++entered;
      while (!release) std::this_thread::yield();
    });
  });
  while (entered < 2) std::this_thread::yield();   // caller and worker are both busy
  std::thread::id ran;
  pool.parallel_for(2, 1, [&](int64_t begin, int64_t end, int) {
    EXPECT_EQ(begin, 0);
    EXPECT_EQ(end, 2);
    ran = std::this_thread::get_id();
  });
  EXPECT_EQ(ran, std::this_thread::get_id());
  release = true;
  first.join();
}

TEST(ThreadPool, IsSharedWhileSomebodyHoldsIt) {
  std::shared_ptr<ThreadPool> a = shared_thread_pool(3), b = shared_thread_pool(3), c = shared_thread_pool(2);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  EXPECT_EQ(c->threads(), 2);
  std::weak_ptr<ThreadPool> gone = c;
  c.reset();
  EXPECT_TRUE(gone.expired());
  EXPECT_EQ(shared_thread_pool(2)->threads(), 2);
}

}  // namespace
}  // namespace octet
