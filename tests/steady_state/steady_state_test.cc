// A statically shaped model in its steady state allocates nothing, and asks the kernel for nothing but one futex wake and wait for
// each worker that fell asleep.
//
// Allocations are counted by standing in front of the C library's functions; system calls by a filter that kills the process on any
// other (seccomp(2)), in a child.
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "octet/runtime.h"
#include "octet/toolkit.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OCTET_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OCTET_SANITIZED 1
#endif
#endif

namespace {
std::atomic<int64_t> allocations{0};
}

#ifndef OCTET_SANITIZED
extern "C" {
void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t count, size_t bytes);
void* __libc_realloc(void* memory, size_t bytes);
void* __libc_memalign(size_t alignment, size_t bytes);

void* malloc(size_t bytes) noexcept { return ++allocations, __libc_malloc(bytes); }
void* calloc(size_t count, size_t bytes) noexcept { return ++allocations, __libc_calloc(count, bytes); }
void* realloc(void* memory, size_t bytes) noexcept { return ++allocations, __libc_realloc(memory, bytes); }
void* aligned_alloc(size_t alignment, size_t bytes) noexcept { return ++allocations, __libc_memalign(alignment, bytes); }
int posix_memalign(void** memory, size_t alignment, size_t bytes) noexcept {
  ++allocations;
  return (*memory = __libc_memalign(alignment, bytes)) == nullptr ? ENOMEM : 0;
}
}
#endif

namespace octet {
namespace {

const std::string kShapes = OCTET_SOURCE_DIR "/examples/shapes/";

// The shapes detector as `method` leaves it; "float": as it is.
class SteadyState : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (std::string(GetParam()) == "float") {
      model_ = kShapes + "shapes.onnx";
      return;
    }
    folder_ = std::filesystem::temp_directory_path() / ("octet_steady_state_" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
    model_ = folder_ / "model.onnx";
    QuantizeOptions options;
    options.method = GetParam();
    options.data.recipe = kShapes + "recipe.toml";
    if (*options.method == "static") {
      options.data.frames = kShapes + "frames/calibrate";
      options.data.limit = 2;
    }
    quantize(kShapes + "shapes.onnx", model_, options);
  }
  void TearDown() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  static Tensor input_of(const Session& session) {
    Tensor input(session.inputs()[0].dtype, session.inputs()[0].shape);
    for (int64_t i = 0; i < input.elements(); ++i) input.data<float>()[i] = static_cast<float>(i % 251) / 251;
    return input;
  }

  std::filesystem::path folder_;
  std::string model_;
};

constexpr int kRuns = 20;

TEST_P(SteadyState, AllocatesNothing) {
#ifdef OCTET_SANITIZED
  GTEST_SKIP() << "sanitizers bring their own allocator";
#endif
  for (int threads : {1, 2}) {
    Session session = Session::open(model_, {.threads = threads});
    const Tensor input = input_of(session);
    const int64_t before_first = allocations;
    session.run({&input, 1});
    session.run({&input, 1});
    delete new int;   // the count counts
    ASSERT_GT(allocations, before_first);
    const int64_t before = allocations;
    for (int i = 0; i < kRuns; ++i) session.run({&input, 1});
    EXPECT_EQ(allocations - before, 0) << threads << " threads, in " << kRuns << " inferences";
  }
}

#if defined(__x86_64__) && !defined(OCTET_SANITIZED)

// From here on, in every thread of this process, any system call but futex and leaving ends it.
bool allow_futex_only() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog filter = {static_cast<unsigned short>(std::size(program)), program};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) == 0;
}

enum Exit { kFine = 0, kNoFilter = 7 };

// Runs `work` behind the filter in a child; the child's wait status.
template <typename Work>
int behind_filter(Work work) {
  const pid_t child = fork();
  if (child == 0) work();
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

TEST_P(SteadyState, CallsTheKernelOnlyToWakeAndToWait) {
  const int caught = behind_filter([] {
    if (!allow_futex_only()) _exit(kNoFilter);
    getppid();
    _exit(kFine);
  });
  if (WIFEXITED(caught) && WEXITSTATUS(caught) == kNoFilter) GTEST_SKIP() << "this machine does not allow filters on system calls";
  ASSERT_TRUE(WIFSIGNALED(caught)) << "the filter lets calls through";
  for (int threads : {1, 2}) {
    const int status = behind_filter([&] {
      Session session = Session::open(model_, {.threads = threads});
      const Tensor input = input_of(session);
      for (int i = 0; i < 3; ++i) session.run({&input, 1});
      if (!allow_futex_only()) _exit(kNoFilter);
      for (int i = 0; i < kRuns; ++i) session.run({&input, 1});
      _exit(kFine);
    });
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == kFine)
        << threads << " threads: " << (WIFSIGNALED(status) ? "killed on another system call" : "failed");
  }
}

#endif

INSTANTIATE_TEST_SUITE_P(Methods, SteadyState, ::testing::Values("float", "static", "dynamic"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace octet
