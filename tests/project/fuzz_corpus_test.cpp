// SPDX-License-Identifier: Apache-2.0
// What `make fuzz` has met, and what it begins with: each input through its parser.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "peal/base/error.h"
#include "peal/base/file_text.h"
#include "peal/base/random.h"
#include "tests/fuzz/parsers.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

const fs::path corpus = fs::path(PEAL_SOURCE_DIR) / "tests/fuzz/corpus";

std::vector<std::string> inputs_of(const FuzzParser& parser) {
  std::vector<std::string> result;
  for (const fs::directory_entry& entry : fs::directory_iterator(corpus / parser.name)) {
    result.push_back(file_text(entry.path()));
  }
  return result;
}

// "", or what the Error says; every other exception, and every crash, is a failure of the test.
std::string error_of(const FuzzParser& parser, const std::string& text) {
  try {
    parser.parse(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(FuzzCorpus, HasAFolderForEachParser) {
  std::set<std::string> folders, names;
  for (const auto& entry : fs::directory_iterator(corpus)) folders.insert(entry.path().filename());
  for (const FuzzParser& parser : fuzz_parsers()) names.emplace(parser.name);
  EXPECT_EQ(folders, names);
}

// At least one of a parser's inputs is right and one is wrong, or the parser does nothing.
TEST(FuzzCorpus, IsReadOrRefusedInOneSentence) {
  for (const FuzzParser& parser : fuzz_parsers()) {
    int read = 0, refused = 0;
    for (const std::string& input : inputs_of(parser)) {
      const std::string error = error_of(parser, input);
      ++(error.empty() ? read : refused);
      EXPECT_EQ(error.find("CHECK"), std::string::npos) << error;
    }
    EXPECT_GT(read, 0) << parser.name;
    EXPECT_GT(refused, 0) << parser.name;
  }
}

// Bytes of the input are changed, left out, doubled, or replaced by those of another input.
std::string mutated(const std::vector<std::string>& inputs, Random& random) {
  std::string text = inputs[random.below(inputs.size())];
  for (std::uint64_t changes = 1 + random.below(4); changes > 0; --changes) {
    if (text.empty()) return text;
    const std::size_t at = random.below(text.size());
    const std::size_t length = 1 + random.below(std::min<std::size_t>(text.size() - at, 16));
    switch (random.below(5)) {
      case 0:
        text[at] = static_cast<char>(random.next());
        break;
      case 1:
        text[at] = static_cast<char>(text[at] ^ (1 << random.below(8)));
        break;
      case 2:
        text.erase(at, length);
        break;
      case 3:
        text.insert(at, text.substr(at, length));
        break;
      default: {
        const std::string& other = inputs[random.below(inputs.size())];
        text.replace(at, length, other.substr(random.below(other.size() + 1), length));
      }
    }
  }
  return text;
}

void parse_mutated(int times) {
  for (const FuzzParser& parser : fuzz_parsers()) {
    const std::vector<std::string> inputs = inputs_of(parser);
    Random random(1);
    for (int i = 0; i < times; ++i) static_cast<void>(error_of(parser, mutated(inputs, random)));
  }
}

TEST(FuzzCorpus, MutatedALittleIsReadOrRefused) { parse_mutated(200); }
TEST(LongFuzzCorpus, MutatedOftenIsReadOrRefused) { parse_mutated(20000); }

}  // namespace
}  // namespace peal
