#include "base/mapped_file.h"

#include <gtest/gtest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>

#include "octet/error.h"

namespace octet {
namespace {

std::string test_file(const std::string& name) {
  auto folder = std::filesystem::path(testing::TempDir()) / "octet_mapped_file";
  std::filesystem::create_directories(folder);
  return (folder / name).string();
}

void write_all(const std::string& path, const std::string& contents) {
  AtomicFile file(path);
  file.write(contents.data(), contents.size());
  file.commit();
}

TEST(MappedFile, HintsChangeNothing) {
  std::string contents(3 << 20, 'x');
  contents[12345] = 'y';
  for (size_t size : {size_t{0}, size_t{1}, size_t{5000}, contents.size()}) {
    write_all(test_file("hints"), contents.substr(0, size));
    auto file = MappedFile::open(test_file("hints"));
    file->read_ahead();
    bring_in(file->bytes());
    if (size > 100) bring_in(file->bytes().subspan(77, size - 100));
    EXPECT_EQ(file->view(), contents.substr(0, size));
  }
  bring_in({});
}

TEST(MappedFile, ShowsTheBytesOfTheFile) {
  std::string path = test_file("bytes");
  write_all(path, "eight bits");
  auto file = MappedFile::open(path);
  ASSERT_EQ(file->bytes().size(), 10u);
  EXPECT_EQ(std::memcmp(file->bytes().data(), "eight bits", 10), 0);
}

TEST(MappedFile, AnEmptyFileIsEmpty) {
  std::string path = test_file("empty");
  write_all(path, "");
  EXPECT_TRUE(MappedFile::open(path)->bytes().empty());
}

TEST(MappedFile, IsReadableBehindItsEnd) {
  std::string path = test_file("page");
  for (size_t size : {1, 4095, 4096, 65536}) {
    write_all(path, std::string(size, 'x'));
    auto file = MappedFile::open(path);
    const volatile std::byte* end = file->bytes().data() + size;
    for (int i = 0; i < 64; ++i) EXPECT_TRUE(end[i] == std::byte{0}) << i;
  }
}

TEST(MappedFile, RefusesAPipeWithoutWaiting) {
  std::string path = test_file("pipe");
  std::filesystem::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_THROW(MappedFile::open(path), Error);
}

TEST(MappedFile, NamesTheFileThatIsMissingOrAFolder) {
  try {
    MappedFile::open(test_file("absent"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_NE(error.file().find("absent"), std::string::npos);
  }
  EXPECT_THROW(MappedFile::open(testing::TempDir()), Error);
}

TEST(AtomicFile, KeepsTheOldFileUntilCommit) {
  std::string folder = test_file("atomic"), path = folder + "/file";   // its own: other tests write files meanwhile
  std::filesystem::remove_all(folder);
  std::filesystem::create_directory(folder);
  write_all(path, "old");
  {
    AtomicFile file(path);
    file.write("new", 3);
  }
  EXPECT_EQ(std::memcmp(MappedFile::open(path)->bytes().data(), "old", 3), 0);
  write_all(path, "new");
  EXPECT_EQ(std::memcmp(MappedFile::open(path)->bytes().data(), "new", 3), 0);
  int files = 0;
  for (auto& entry : std::filesystem::directory_iterator(folder)) files += entry.path().string() != path;
  EXPECT_EQ(files, 0);
}

TEST(AtomicFile, WritesBehindALinkAndIntoAPipe) {
  std::string path = test_file("target"), link = test_file("link"), pipe = test_file("out_pipe");
  write_all(path, "old");
  std::filesystem::remove(link);
  std::filesystem::create_symlink(path, link);
  write_all(link, "new");
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(std::memcmp(MappedFile::open(path)->bytes().data(), "new", 3), 0);

  std::filesystem::remove(pipe);
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  write_all(pipe, "bytes");
  char read[8] = {};
  EXPECT_EQ(::read(reader, read, sizeof read), 5);
  EXPECT_STREQ(read, "bytes");
  ::close(reader);
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
}

TEST(AtomicFile, RefusesAFolder) { EXPECT_THROW(AtomicFile{testing::TempDir()}, Error); }

TEST(AtomicFile, RefusesAFolderThatIsNotThere) {
  EXPECT_THROW(AtomicFile(test_file("no/such/folder/file")), Error);
}

TEST(AtomicFile, RefusesAFolderThatCannotBeWritten) {
  EXPECT_THROW(AtomicFile("/proc/octet_cannot_write"), Error);
}

}  // namespace
}  // namespace octet
