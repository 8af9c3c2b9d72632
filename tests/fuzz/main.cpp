// SPDX-License-Identifier: Apache-2.0
// The target of libFuzzer: PEAL_FUZZ names the parser that gets its inputs.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "peal/base/error.h"
#include "tests/fuzz/parsers.h"

namespace {

const peal::FuzzParser* parser = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  try {
    const char* const name = std::getenv("PEAL_FUZZ");
    parser = &peal::find_fuzz_parser(name == nullptr ? "" : name);
  } catch (const peal::Error& error) {
    std::fprintf(stderr, "PEAL_FUZZ: %s\n", error.what());
    std::exit(2);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    parser->parse({reinterpret_cast<const char*>(data), size});
  } catch (const peal::Error&) {  // one sentence, which is what a wrong input is answered with
  }
  return 0;
}
