// SPDX-License-Identifier: Apache-2.0
#include "peal/tools/files/npy.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "peal/base/error.h"
#include "peal/machine/dtype.h"
#include "tests/support/program.h"

namespace peal {
namespace {

namespace fs = std::filesystem;
using Shape = std::vector<std::size_t>;
using std::string_literals::operator""s;

class Npy : public testing::Test {
 protected:
  [[nodiscard]] std::string path(std::string_view name) const { return folder_.path(name); }

  [[nodiscard]] std::string file(const std::string& bytes) const {
    std::ofstream(path("x.npy"), std::ios::binary) << bytes;
    return path("x.npy");
  }

  // What the Error says after the quoted path.
  [[nodiscard]] std::string read_error(const std::string& bytes) const {
    return error_of(file(bytes), [&] { static_cast<void>(read_npy(path("x.npy"))); });
  }

  template <class Action>
  static std::string error_of(const std::string& path, Action action) {
    try {
      action();
    } catch (const Error& error) {
      const std::string text = error.what();
      const std::size_t end = text.find(path + "` ");
      return end == std::string::npos ? text : text.substr(end + path.size() + 2);
    }
    return "no error";
  }

  [[nodiscard]] auto file_count() const { return folder_.file_count(); }

 private:
  TemporaryFolder folder_;
};

std::string npy(const std::string& dictionary, const std::string& data = "") {
  return "\x93NUMPY\x01\0"s + static_cast<char>(dictionary.size()) + '\0' + dictionary + data;
}

std::string dictionary(const std::string& descr, const std::string& shape) {
  return "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
}

void write(const std::string& path, DType dtype, const Shape& shape,
           std::span<const std::byte> data) {
  const std::array chunks = {data.first(data.size() / 3), data.subspan(data.size() / 3)};
  NpyOutput(path).commit(dtype, shape, chunks);
}

TEST_F(Npy, EveryTypeAndShapeReturns) {
  for (DType dtype : all_dtypes) {
    for (const Shape& shape : {Shape{}, {0}, {1}, {7}, {4, 3}, {2, 0, 5}, {1, 2, 3, 4, 5}}) {
      std::size_t bytes = size_bytes(dtype);
      for (std::size_t extent : shape) bytes *= extent;
      std::vector<std::byte> data(bytes);
      for (std::size_t i = 0; i < bytes; ++i) data[i] = static_cast<std::byte>(i * 37 + 11);
      write(path("a.npy"), dtype, shape, data);
      const NpyArray array = read_npy(path("a.npy"));
      EXPECT_EQ(array.dtype, dtype);
      EXPECT_EQ(array.shape, shape);
      EXPECT_EQ(array.data, data);
    }
  }
  EXPECT_EQ(file_count(), 1);
}

TEST_F(Npy, WritesWhatNumpyWrites) {
  const std::array data = {std::byte{'x'}, std::byte{'y'}};
  write(path("a.npy"), DType::bf16, {1}, data);
  const std::string bytes = file_text(path("a.npy"));
  std::string dictionary = "{'descr': '<V2', 'fortran_order': False, 'shape': (1,), }";
  dictionary.resize(117, ' ');
  EXPECT_EQ(bytes, "\x93NUMPY\x01\0v\0"s + dictionary + "\nxy");
}

TEST_F(Npy, ReadsTheOtherVersionsAndSpellings) {
  const std::string header = dictionary("|V2", "(2,)");
  for (char version : {'\2', '\3'}) {
    const NpyArray array =
        read_npy(file("\x93NUMPY"s + version + '\0' + static_cast<char>(header.size()) + "\0\0\0"s +
                      header + "abcd"));
    EXPECT_EQ(array.dtype, DType::bf16);
    EXPECT_EQ(array.data.size(), 4u);
  }
  EXPECT_EQ(read_npy(file(npy(dictionary("<u1", "(2,)"), "ab"))).dtype, DType::u8);
  const NpyArray array = read_npy(
      file(npy("{ \"shape\":(2,3 , ),\"fortran_order\" :False , 'descr':'<f2'}", "abcdefghijkl")));
  EXPECT_EQ(array.shape, (Shape{2, 3}));
  EXPECT_EQ(read_npy(file(npy("{'descr':'|i1','fortran_order':True,'shape':(3,)}", "abc"))).shape,
            Shape{3});
}

TEST_F(Npy, RefusesWhatItCannotRead) {
  EXPECT_EQ(read_error(npy("{'descr':'<f4','fortran_order':True,'shape':(2,3)}")),
            "is in Fortran order; save numpy.ascontiguousarray(array) instead");
  EXPECT_EQ(read_error(npy(dictionary(">f4", "(1,)"), "abcd")),
            "has the big-endian element type `>f4`; save array.astype(\"<f4\") instead");
  EXPECT_EQ(read_error(npy(dictionary("<c8", "(1,)"), "abcdefgh")),
            "has the element type `<c8`, which Peal has not; convert it to one of <f4, <f8, <f2, "
            "<V2, |i1, |u1, <i2, <u2, <i4, <u4, <i8, <u8");
  for (const char* descr : {"", "<", "=f4", "f4", "|f4", "<f44", "|b1", "<i3", "|O", "<U3"}) {
    EXPECT_NE(read_error(npy(dictionary(descr, "(1,)"))).find("which Peal has not"),
              std::string::npos)
        << descr;
  }
  EXPECT_EQ(read_error(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}")),
            "holds records of several fields; save one field of it as an array");
  EXPECT_EQ(read_error("\x93NUMPY\x04\0\0\0"s),
            "has the format version 4.0; save it with version 1.0, 2.0 or 3.0");
  EXPECT_EQ(error_of(path("."), [&] { static_cast<void>(read_npy(path("."))); }),
            "is not a regular file; save the array to a file first");
  EXPECT_EQ(error_of(path("no.npy"), [&] { static_cast<void>(read_npy(path("no.npy"))); }),
            "cannot be read: No such file or directory; give the path of a readable .npy file");
}

TEST_F(Npy, RefusesDamagedFiles) {
  const std::string not_npy =
      "is not a .npy file: it does not begin with \\x93NUMPY; save the array with numpy.save";
  EXPECT_EQ(read_error(""), not_npy);
  EXPECT_EQ(read_error("PK\3\4"), not_npy);
  EXPECT_EQ(read_error("\x93NUMPX\1\0\0\0"s), not_npy);
  EXPECT_EQ(read_error(npy(dictionary("<f4", "(3,)"), "0123456789")),
            "is truncated: (3,) elements of f32 are 12 bytes, it has 10; copy or save it again");
  EXPECT_EQ(read_error(npy(dictionary("<f4", "(2, 1)"), "0123456789")),
            "has trailing bytes: (2, 1) elements of f32 are 8 bytes, it has 10; copy or save it "
            "again");
  const std::string whole = npy(dictionary("<f4", "(1,)"), "abcd");
  for (std::size_t bytes = 1; bytes < whole.size(); ++bytes) {
    EXPECT_NE(read_error(whole.substr(0, bytes)).find("is truncated: "), std::string::npos)
        << bytes;
  }
  EXPECT_EQ(read_error(whole.substr(0, 20)),
            "is truncated: its header has 58 bytes, 10 are there; copy or save it again");
  EXPECT_NE(read_error("\x93NUMPY\x02\0\xff\xff\xff\xff"s).find("header has 4294967295 bytes"),
            std::string::npos);
}

TEST_F(Npy, RefusesMalformedHeaders) {
  EXPECT_EQ(read_error(npy("{'descr': '<f4', 'fortran_order': no}")),
            "has a malformed header: True or False is expected at its character 35 of 37; save the "
            "array again with numpy.save");
  for (const char* text :
       {"", "{", "{}", "[]", "{'descr': '<f4'}", "{'descr' '<f4'}", "{'descr': '<f4}", "{'descr",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': [1]}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551616,)}",
        "{'descr': '<f4', 'fortran_order': False 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
        "{'descr': '<f4', 'descr': '<f4', 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}"}) {
    EXPECT_NE(read_error(npy(text)).find("has a malformed header: "), std::string::npos)
        << text << ": " << read_error(npy(text));
  }
}

TEST_F(Npy, ComparesHugeShapesWithTheFileBeforeItAllocates) {
  EXPECT_EQ(
      read_error(npy(dictionary("<f8", "(4294967296, 4294967296)"), "abcd")),
      "has the shape (4294967296, 4294967296), which exceeds 2^64 bytes; save a smaller array");
  EXPECT_NE(read_error(npy(dictionary("<f8", "(2305843009213693952,)"))).find("exceeds 2^64"),
            std::string::npos);
  EXPECT_NE(read_error(npy(dictionary("|u1", "(18446744073709551615,)"), "a")).find("truncated"),
            std::string::npos);
  EXPECT_EQ(read_npy(file(npy(dictionary("<f8", "(4294967296, 4294967296, 0)")))).data.size(), 0u);
}

TEST_F(Npy, AnOutputThatIsNotCommittedLeavesNothing) {
  { const NpyOutput output(path("y.npy")); }
  EXPECT_EQ(file_count(), 0);
  write(path("y.npy"), DType::u8, {1}, std::array{std::byte{5}});
  {
    const NpyOutput output(path("y.npy"));
    EXPECT_LE(file_count(), 2);  // 1 where files need no names
  }
  EXPECT_EQ(file_count(), 1);
  EXPECT_EQ(read_npy(path("y.npy")).data[0], std::byte{5});
}

TEST_F(Npy, AnUnwritablePathIsFoundAtOnce) {
  const auto open = [](const std::string& path) {
    return error_of(path, [&] { const NpyOutput output(path); });
  };
  EXPECT_EQ(open(path("no/y.npy")),
            "cannot be written: No such file or directory; give a path in a directory that exists "
            "and is writable");
  EXPECT_EQ(open(path(".")), "cannot be written: Is a directory; give the path of a file");
  EXPECT_EQ(open(path(std::string(300, 'x'))),
            "cannot be written: File name too long; give a path in a directory that exists and is "
            "writable");
  EXPECT_EQ(file_count(), 0);
}

TEST_F(Npy, ASymbolicLinkStaysOne) {
  write(path("real.npy"), DType::u8, {1}, std::array{std::byte{5}});
  fs::create_symlink("real.npy", path("link.npy"));
  write(path("link.npy"), DType::u8, {1}, std::array{std::byte{6}});
  EXPECT_TRUE(fs::is_symlink(path("link.npy")));
  EXPECT_EQ(read_npy(path("real.npy")).data[0], std::byte{6});
}

TEST_F(Npy, AFullDiskIsAnErrorAndLeavesTheOldFile) {
  write(path("y.npy"), DType::u8, {1}, std::array{std::byte{5}});
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit limit = {.rlim_cur = 4096, .rlim_max = before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  const std::vector<std::byte> data(100000);
  const std::string error =
      error_of(path("y.npy"), [&] { write(path("y.npy"), DType::u8, {data.size()}, data); });
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(error, "cannot be written: File too large; free some space or give another path");
  EXPECT_EQ(file_count(), 1);
  EXPECT_EQ(read_npy(path("y.npy")).data.size(), 1u);
}

}  // namespace
}  // namespace peal
