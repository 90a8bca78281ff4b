// Files: absent, unreadable, odd.
#include "config/document.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <string>
#include <sys/stat.h>

#include "config/tree.h"

namespace rondel::config {
namespace {

using ::testing::HasSubstr;

class DocumentFile : public ::testing::Test {
 protected:
  DocumentFile() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "rondel-config-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~DocumentFile() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) {
    const auto path = folder_ / name;
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }

  static std::string error_of(const std::string& path) {
    const auto document = Document::load(path);
    return document.has_value() ? "" : to_string(document.error());
  }

  std::filesystem::path folder_;
};

TEST_F(DocumentFile, IsReadWithPositions) {
  const auto document = Document::load(write("a.toml", "\n[server]\n  threads = 4\n"));
  ASSERT_TRUE(document.has_value());
  EXPECT_EQ(document->folder(), folder_.string());
  const Entry* server = document->root().find("server");
  ASSERT_NE(server, nullptr);
  const Entry* threads = server->node.find("threads");
  ASSERT_NE(threads, nullptr);
  EXPECT_EQ(threads->position.line, 3);
  EXPECT_EQ(threads->position.column, 3);
  EXPECT_EQ(threads->node.integer, 4);
  EXPECT_EQ(threads->node.position.column, 13);
}

TEST_F(DocumentFile, MayBeginWithAByteOrderMarkAndEndLinesWithCrLf) {
  const auto document = Document::load(write("a.toml", "\xef\xbb\xbf[server]\r\nthreads = 4\r\n"));
  ASSERT_TRUE(document.has_value()) << to_string(document.error());
  EXPECT_NE(document->root().find("server"), nullptr);
}

TEST_F(DocumentFile, ThatIsAbsentIsAnErrorThatSaysWhatToDo) {
  const std::string path = (folder_ / "none.toml").string();
  EXPECT_EQ(error_of(path),
            path + ": this file does not exist; check the path given with --config\n");
}

TEST_F(DocumentFile, ThatIsAFolderOrFifoIsRefusedAtOnce) {
  EXPECT_THAT(error_of(folder_.string()), HasSubstr("this is not a regular file"));
  const std::string fifo = (folder_ / "fifo").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_THAT(error_of(fifo), HasSubstr("this is not a regular file"));
}

TEST_F(DocumentFile, ThatIsTooBigIsRefused) {
  EXPECT_THAT(error_of(write("big.toml", std::string((16 << 20) + 1, '#'))),
              HasSubstr("this file is too big; 16 MiB at most"));
}

TEST_F(DocumentFile, ThatIsNotTextIsRefusedWithItsPlace) {
  EXPECT_THAT(error_of(write("a.toml", "a = 1\nb = \"\xff\xfe\"\n")), HasSubstr("a.toml:2:"));
  EXPECT_THAT(error_of(write("b.toml", std::string("a = 1\0\n", 7))), HasSubstr("b.toml:1:"));
}

TEST_F(DocumentFile, NestedBeyondMeasureIsRefused) {
  EXPECT_THAT(error_of(write("deep.toml", "a = " + std::string(100'000, '['))),
              HasSubstr("deep.toml:1:"));
}

TEST(Document, ThatIsEmptySaysNothing) {
  EXPECT_TRUE(Document::empty().root().entries.empty());
}

}  // namespace
}  // namespace rondel::config
