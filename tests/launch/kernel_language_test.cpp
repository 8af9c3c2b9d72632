// SPDX-License-Identifier: Apache-2.0
// Which language a source is in: what it defines decides, whatever else its text mentions.
#include "peal/launch/kernel_language.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "peal/base/error.h"
#include "peal/launch/kernel_run.h"
#include "peal/launch/pto_callable.h"
#include "peal/run/task.h"
#include "tests/support/program.h"

namespace peal {
namespace {

const std::string pto_definition =
    "#include <pto/pto-inst.hpp>\n"
    "extern \"C\" __aicore__ void kernel_entry(__gm__ int64_t*) {}\n";
const std::string peal_definition =
    "#include \"peal/machine/kernel.h\"\n"
    "static void idle(peal::Device&, const peal::KernelArguments&) {}\n"
    "peal::Kernel peal_kernel() { return {.name = \"idle\", .run = idle}; }\n";

// The definition, with text that could be taken for one of `other`.
std::vector<std::string> disguised(const std::string& definition, const std::string& other,
                                   const std::string& header) {
  const std::string function = "void " + other + "() {}";
  return {definition,
          "// Unlike " + function + "\n" + definition,
          "/* " + function + " */" + definition,
          definition + "static const char* const words = \"" + function + "\";\n",
          "#if 0\n" + header + function + "\n#endif\n" + definition,
          "#ifdef ANOTHER_COMPILER\n" + function + "\n#else\n" + definition + "#endif\n"};
}

class KernelLanguages : public testing::Test {
 protected:
  std::string save(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.path(name)) << text;
    return folder_.path(name);
  }
  // True if the file is a Peal kernel for the command line and for a worker.
  bool is_peal(const std::string& path) const {
    const bool is_loaded = load_if_peal_kernel(path).has_value();
    const Callable callable = kernel_file(path);
    const bool is_in_verbs = dynamic_cast<const DeviceProgram*>(callable.program.get()) != nullptr;
    EXPECT_EQ(is_loaded, is_in_verbs) << file_text(path);
    return is_loaded;
  }
  std::string refusal_of(const std::string& path) const {
    try {
      return load_if_peal_kernel(path) ? "a Peal kernel" : "a PTO kernel";
    } catch (const Error& error) {
      return error.what();
    }
  }
  const TemporaryFolder folder_;
};

TEST_F(KernelLanguages, AreDecidedByWhatIsDefined) {
  for (const std::string& text :
       disguised(pto_definition, "peal_kernel", "#include \"peal/machine/kernel.h\"\n")) {
    EXPECT_FALSE(is_peal(save("k.cpp", text))) << text;
  }
  for (const std::string& text :
       disguised(peal_definition, "kernel_entry", "#include <pto/pto-inst.hpp>\n")) {
    EXPECT_TRUE(is_peal(save("k.cpp", text))) << text;
  }
}

TEST_F(KernelLanguages, AreDecidedByWhatIsIncluded) {
  save("pto.inc", pto_definition);
  save("peal.inc", peal_definition);
  EXPECT_FALSE(is_peal(save("k.cpp", "#include \"pto.inc\"\n")));
  EXPECT_FALSE(is_peal(save("k.cpp", "// no peal_kernel()\n#include \"pto.inc\"\n")));
  EXPECT_TRUE(is_peal(save("k.cpp", "#include \"peal.inc\"\n")));
  EXPECT_TRUE(is_peal(save("k.cpp", "// no kernel_entry()\n#include \"peal.inc\"\n")));
}

TEST_F(KernelLanguages, AKernelOfCubeCoresIsAPtoKernel) {
  EXPECT_EQ(refusal_of(save("k.cpp", "#ifdef __DAV_CUBE__\n" + pto_definition + "#endif\n")),
            "a PTO kernel");
}

TEST_F(KernelLanguages, ASourceThatIsNeitherIsRefusedInTheLanguageThatItSuggests) {
  const auto refuses = [&](const std::string& text, const std::string& part) {
    const std::string refusal = refusal_of(save("k.cpp", text));
    EXPECT_NE(refusal.find(part), std::string::npos) << text << refusal;
  };
  refuses("int main() {}\n", "does not define peal_kernel; add");
  refuses("// as kernel_entry and peal_kernel\n", "does not define peal_kernel; add");
  refuses("// as kernel_entry\n", "has no kernel_entry; define extern");
  refuses("namespace a { void kernel_entry(long*) {} }\n", "has no kernel_entry; define extern");
  refuses(peal_definition + "no_such_type x;\n", "does not compile:\n");
  refuses(peal_definition + "no_such_type x;  // kernel_entry\n", "no_such_type");
  // Its case may name include folders, so without a case it is what its text says.
  refuses("#include \"tiling_of_its_case.h\"\n" + pto_definition, "a PTO kernel");
  EXPECT_NE(refusal_of(folder_.path("missing.cpp")).find("missing.cpp` cannot be read: No such"),
            std::string::npos);
}

TEST(SuggestedLanguage, IsThatOfWhatLooksLikeADefinition) {
  const auto is_peal = [](const std::string& text) {
    return suggested_language(text) == KernelLanguage::peal;
  };
  EXPECT_TRUE(is_peal(""));
  EXPECT_TRUE(is_peal(peal_definition));
  EXPECT_FALSE(is_peal(pto_definition));
  EXPECT_TRUE(is_peal(peal_definition + "// kernel_entry() "));
  EXPECT_FALSE(is_peal(pto_definition + "// peal_kernel() "));
  EXPECT_TRUE(is_peal(peal_definition + pto_definition));
  EXPECT_TRUE(is_peal("peal::Kernel peal_kernel  ( )\n{"));
  EXPECT_TRUE(is_peal("auto peal_kernel() -> peal::Kernel { // not kernel_entry"));
  EXPECT_FALSE(is_peal("ENTRY(kernel_entry) {"));
  EXPECT_TRUE(is_peal("kernel_entry peal_kernel(")) << "cut off";
}

}  // namespace
}  // namespace peal
