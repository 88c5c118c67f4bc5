// A thread that makes things ahead of the one who takes them.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace octet {

// Calls `make(item)` on a thread of its own, keeps up to `depth` results and hands them out in order. An exception of
// `make` is thrown by the `take` that would have returned its item.
template <typename Item>
class Prefetcher {
 public:
  // `make` returns false at the end.
  Prefetcher(size_t depth, std::function<bool(Item&)> make)
      : depth_(depth), make_(std::move(make)), thread_([this] { work(); }) {}
  ~Prefetcher() {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  bool take(Item& item) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !ready_.empty() || ended_; });
    if (!ready_.empty()) {
      item = std::move(ready_.front());
      ready_.pop_front();
      changed_.notify_all();
      return true;
    }
    if (error_) std::rethrow_exception(error_);
    return false;
  }

 private:
  void work() {
    for (;;) {
      Item item;
      bool more = false;
      std::exception_ptr error;
      try {
        more = make_(item);
      } catch (...) {
        error = std::current_exception();
      }
      std::unique_lock lock(mutex_);
      if (!more) {
        error_ = error;
        ended_ = true;
        changed_.notify_all();
        return;
      }
      ready_.push_back(std::move(item));
      changed_.notify_all();
      changed_.wait(lock, [&] { return stop_ || ready_.size() < depth_; });
      if (stop_) return;
    }
  }

  size_t depth_;
  std::function<bool(Item&)> make_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> ready_;
  std::exception_ptr error_;
  bool ended_ = false, stop_ = false;
  std::thread thread_;
};

}  // namespace octet
