// SPDX-License-Identifier: Apache-2.0
#include "peal/tools/files/npy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "peal/base/error.h"
#include "peal/tools/files/npy_header.h"

namespace peal {
namespace {

// Elements are little-endian in the file and are copied byte by byte.
static_assert(std::endian::native == std::endian::little);

constexpr const char* copy_again = "copy or save it again";

// The size of an array in bytes; nothing if it exceeds 64 bits.
std::optional<std::size_t> array_bytes(DType dtype, std::span<const std::size_t> shape) {
  if (std::find(shape.begin(), shape.end(), 0u) != shape.end()) return 0;
  std::size_t product = size_bytes(dtype);
  for (std::size_t extent : shape) {
    if (__builtin_mul_overflow(product, extent, &product)) return std::nullopt;
  }
  return product;
}

// A file that is read sequentially.
class Input {
 public:
  explicit Input(const std::string& path) : path_(path) {
    // Opening a pipe for reading would otherwise wait for a writer.
    file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file_ < 0) {
      fail(fmt::format("cannot be read: {}", std::strerror(errno)),
           "give the path of a readable .npy file");
    }
    struct stat status = {};
    if (::fstat(file_, &status) != 0 || !S_ISREG(status.st_mode)) {
      ::close(file_);
      fail("is not a regular file", "save the array to a file first");
    }
    remaining_ = static_cast<std::size_t>(status.st_size);
  }
  ~Input() { ::close(file_); }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  [[nodiscard]] std::size_t remaining_bytes() const { return remaining_; }

  void read(std::span<std::byte> bytes) {
    if (bytes.size() > remaining_) {
      fail(fmt::format("is truncated: {} more bytes are expected, {} are there", bytes.size(),
                       remaining_),
           copy_again);
    }
    while (!bytes.empty()) {
      const ssize_t got = ::read(file_, bytes.data(), bytes.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail(fmt::format("cannot be read: {}", std::strerror(errno)), copy_again);
      if (got == 0) fail("shrank while it was read", copy_again);
      bytes = bytes.subspan(static_cast<std::size_t>(got));
      remaining_ -= static_cast<std::size_t>(got);
    }
  }

  [[noreturn]] void fail(std::string_view what, std::string_view way_out) const {
    throw UsageError(fmt::format("input `{}` {}; {}", path_, what, way_out));
  }

 private:
  const std::string& path_;
  int file_ = -1;
  std::size_t remaining_ = 0;
};

// Reads everything before the data, and returns the dictionary.
std::string read_header(Input& input) {
  std::array<std::byte, 8> start = {};
  const auto magic = std::as_bytes(std::span(npy_magic));
  const std::size_t magic_bytes = std::min(input.remaining_bytes(), magic.size());
  input.read(std::span(start).first(magic_bytes));
  if (magic_bytes == 0 ||
      !std::equal(magic.begin(), magic.begin() + static_cast<std::ptrdiff_t>(magic_bytes),
                  start.begin())) {
    input.fail("is not a .npy file: it does not begin with \\x93NUMPY",
               "save the array with numpy.save");
  }
  input.read(std::span(start).subspan(magic_bytes));
  const int major = std::to_integer<int>(start[6]), minor = std::to_integer<int>(start[7]);
  if (major < 1 || major > 3 || minor != 0) {
    input.fail(fmt::format("has the format version {}.{}", major, minor),
               "save it with version 1.0, 2.0 or 3.0");
  }
  std::array<std::byte, 4> length = {};
  input.read(std::span(length).first(major == 1 ? 2 : 4));
  const std::size_t header_bytes = std::bit_cast<std::uint32_t>(length);
  if (header_bytes > input.remaining_bytes()) {
    input.fail(fmt::format("is truncated: its header has {} bytes, {} are there", header_bytes,
                           input.remaining_bytes()),
               copy_again);
  }
  std::string header(header_bytes, '\0');
  input.read(std::as_writable_bytes(std::span(header)));
  return header;
}

}  // namespace

NpyArray read_npy(const std::string& path) {
  Input input(path);
  NpyHeader header = NpyHeader::parse(path, read_header(input));
  NpyArray array{header.dtype(path), std::move(header.shape), {}};
  // With fewer than two dimensions C and Fortran order are the same.
  if (header.fortran_order && array.shape.size() > 1) {
    input.fail("is in Fortran order", "save numpy.ascontiguousarray(array) instead");
  }
  const std::optional<std::size_t> expected = array_bytes(array.dtype, array.shape);
  if (!expected) {
    input.fail(fmt::format("has the shape {}, which exceeds 2^64 bytes", tuple_text(array.shape)),
               "save a smaller array");
  }
  if (*expected != input.remaining_bytes()) {
    const bool truncated = *expected > input.remaining_bytes();
    input.fail(
        fmt::format("{}: {} elements of {} are {} bytes, it has {}",
                    truncated ? "is truncated" : "has trailing bytes", tuple_text(array.shape),
                    name(array.dtype), *expected, input.remaining_bytes()),
        copy_again);
  }
  array.data.resize(*expected);
  input.read(array.data);
  return array;
}

NpyOutput::NpyOutput(std::string path) : file_(std::move(path)) {}

void NpyOutput::commit(DType dtype, std::span<const std::size_t> shape,
                       std::span<const std::span<const std::byte>> chunks) {
  std::size_t total_bytes = 0;
  for (std::span<const std::byte> chunk : chunks) total_bytes += chunk.size();
  PEAL_CHECK(array_bytes(dtype, shape) == total_bytes);

  const std::string preamble = npy_preamble(dtype, shape);
  file_.write(std::as_bytes(std::span(preamble)));
  for (std::span<const std::byte> chunk : chunks) file_.write(chunk);
  file_.commit();
}

}  // namespace peal
