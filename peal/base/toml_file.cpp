// SPDX-License-Identifier: Apache-2.0
#include "peal/base/toml_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <utility>

#include "peal/base/error.h"

namespace peal {
namespace {

constexpr std::size_t max_bytes = std::size_t{1} << 24;

// Reads a regular file or a pipe, up to a limit.
class Reader {
 public:
  Reader(const std::string& what, const std::string& path) : what_(what), path_(path) {
    // O_NONBLOCK: opening a FIFO that has no writer would block for ever. A FIFO meant to be read
    // here, such as a process substitution, has its writer already.
    file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file_ < 0) refuse(std::strerror(errno));
    struct stat status = {};
    if (::fstat(file_, &status) != 0) refuse(std::strerror(errno));
    if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode)) refuse("it is no file");
    ::fcntl(file_, F_SETFL, O_RDONLY);
  }
  ~Reader() { close(); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  std::string read() {
    std::string text;
    std::array<char, 65536> buffer;
    for (;;) {
      const ssize_t got = ::read(file_, buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) refuse(std::strerror(errno));
      if (got == 0) return text;
      text.append(buffer.data(), static_cast<std::size_t>(got));
      if (text.size() > max_bytes) refuse("it is longer than 16 MiB");
    }
  }

  [[noreturn]] void refuse(const std::string& why) {
    close();
    throw UsageError(fmt::format("{} `{}` cannot be read: {}; name an existing file of valid TOML",
                                 what_, path_, why));
  }

 private:
  void close() {
    if (file_ >= 0) ::close(std::exchange(file_, -1));
  }

  const std::string& what_;
  const std::string& path_;
  int file_ = -1;
};

// Upper bounds for the nesting of values and the parts of a key. Both add to the depth of the
// parsed tree, which is parsed and destroyed by recursive functions.
constexpr int max_nested = 32, max_key_parts = 32;

// Scans the text for brackets and dots outside of strings and comments.
class NestingCheck {
 public:
  explicit NestingCheck(std::string_view text) : text_(text) {}

  // Describes what is too deep, with its line; empty if nothing is.
  std::string find() {
    while (place_ < text_.size()) {
      const char c = text_[place_];
      if (c == '"' || c == '\'') {
        skip_string(c);
        continue;
      }
      if (c == '#') {
        place_ = std::min(text_.find('\n', place_), text_.size());
        continue;
      }
      ++place_;
      if (c == '\n') ++line_;
      if (c == '.' && ++key_parts_ > max_key_parts)
        return too_deep("a key has", max_key_parts, "parts");
      if (c == '[' || c == '{') ++depth_;
      if ((c == ']' || c == '}') && depth_ > 0) --depth_;
      if (c != '.' && c != ' ' && c != '\t' && !is_bare(c)) key_parts_ = 1;
      if (depth_ > max_nested) return too_deep("values nest", max_nested, "levels deep");
    }
    return {};
  }

 private:
  static bool is_bare(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || static_cast<unsigned char>(c) >= 0x80;
  }

  [[nodiscard]] std::string too_deep(const char* what, int most, const char* of) const {
    return fmt::format("{} more than {} {} (line {})", what, most, of, line_);
  }

  void skip_string(char quote) {
    const std::string ends(3, quote);
    const bool is_long = text_.substr(place_, 3) == ends;
    place_ += is_long ? 3 : 1;
    while (place_ < text_.size()) {
      if (is_long ? text_.substr(place_, 3) == ends : text_[place_] == quote) {
        place_ += is_long ? 3 : 1;
        return;
      }
      if (text_[place_] == '\n') {
        if (!is_long) return;  // malformed; the parser will refuse it
        ++line_;
      }
      place_ += text_[place_] == '\\' && quote == '"' && place_ + 1 < text_.size() ? 2 : 1;
    }
  }

  std::string_view text_;
  std::size_t place_ = 0;
  int line_ = 1, depth_ = 0, key_parts_ = 1;
};

}  // namespace

toml::table parse_toml(const std::string& what, std::string_view text, std::string_view path) {
  const std::string deep = NestingCheck(text).find();
  if (!deep.empty()) {
    throw UsageError(fmt::format("{} cannot be read: {}; write it flatter", what, deep));
  }
  return toml::parse(text, path);
}

toml::table read_toml_file(const std::string& what, const std::string& path) {
  Reader reader(what, path);
  try {
    return parse_toml(fmt::format("{} `{}`", what, path), reader.read(), path);
  } catch (const toml::parse_error& error) {
    std::ostringstream where;
    where << error.source().begin;
    reader.refuse(fmt::format("{} ({})", error.description(), where.str()));
  }
}

}  // namespace peal
