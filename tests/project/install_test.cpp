// SPDX-License-Identifier: Apache-2.0
// An installed Peal works wherever it is put, and so do programs that are linked against it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/program.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

void run_or_fail(const std::string& command) {
  EXPECT_EQ(std::system((command + " >/dev/null").c_str()), 0) << command;
}

// An installation that is marked, so that whatever is taken from elsewhere is noticed: its headers
// define PEAL_MARK, and it has a platform `marked`.
class Installation {
 public:
  Installation() {
    // Where it was installed it is not when it is used.
    run_or_fail("cmake --install '" PEAL_BINARY_FOLDER "' --prefix '" + folder_.path("made") + "'");
    fs::rename(folder_.path("made"), prefix());
    std::ofstream(prefix() + "/include/peal/machine/kernel.h", std::ios::app)
        << "#define PEAL_MARK 1\n";
    const std::string platforms = prefix() + "/share/peal/platforms/";
    fs::copy_file(platforms + "a2a3.toml", platforms + "marked.toml");
    std::ofstream(kernel()) << "#include \"peal/machine/kernel.h\"\n"
                               "#ifndef PEAL_MARK\n#error other headers\n#endif\n"
                               "peal::Kernel peal_kernel() {\n"
                               "  return {.name = \"marked\", .run = [](peal::Device&, const "
                               "peal::KernelArguments&) {}};\n}\n";
  }
  [[nodiscard]] std::string prefix() const { return folder_.path("moved away"); }
  [[nodiscard]] std::string kernel() const { return folder_.path("kernel.cpp"); }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path(name); }

 private:
  TemporaryFolder folder_;
};

TEST(Install, TheCommandFindsItsFilesBesideItself) {
  const Installation installation;
  const std::string peal = installation.prefix() + "/bin/peal";
  const Finished run = run_program(peal, "run " + installation.kernel() + " -p markedsim");
  EXPECT_EQ(run.code, 0) << run.err;
  const Finished pto = run_program(peal, "run examples/pto/all_reduce_ring -p markedsim");
  EXPECT_EQ(pto.code, 0) << pto.err;
}

TEST(Install, TheEnvironmentSaysWhereItIs) {
  const Installation installation;
  const std::string root = "PEAL_ROOT='" + installation.prefix() + "' '" PEAL_BINARY "' ";
  const auto run = [&](const std::string& arguments) {
    return run_program("env", root + arguments);
  };
  EXPECT_EQ(run("run " + installation.kernel() + " -p markedsim").code, 0);
  EXPECT_EQ(run_program("env", "PEAL_ROOT= '" PEAL_BINARY "' run barrier -n 2").code, 0);
  const Finished wrong = run_program("env", "PEAL_ROOT=/no/such '" PEAL_BINARY "' run " +
                                                installation.kernel() + " -p platforms/a5.toml");
  EXPECT_EQ(wrong.code, 2);
  EXPECT_EQ(wrong.err,
            "peal: the PTO headers are not found under /no/such/include; set PEAL_ROOT to the "
            "prefix of an installed Peal\n");
  EXPECT_NE(run_program("env", "PEAL_ROOT=/no/such '" PEAL_BINARY "' run barrier")
                .err.find("platform `a2a3sim` is not found"),
            std::string::npos);
}

// A program elsewhere, linked by the package, that runs a kernel file. It brings a library that
// links Peal, too.
TEST(LongInstall, AProgramFindsTheInstallationItWasLinkedAgainst) {
  const Installation installation;
  const std::string sources = installation.path("program"), build = installation.path("build");
  fs::create_directory(sources);
  std::ofstream(sources + "/CMakeLists.txt")
      << "cmake_minimum_required(VERSION 3.25)\nproject(program LANGUAGES CXX)\n"
         "find_package(peal REQUIRED)\n"
         "add_library(part STATIC part.cpp)\ntarget_link_libraries(part PUBLIC peal::peal)\n"
         "add_executable(program main.cpp)\n"
         "target_link_libraries(program PRIVATE part peal::peal)\n"
         "peal_export_library(program)\n";
  std::ofstream(sources + "/part.cpp")
      << "#include \"peal/peal.h\"\n"
         "bool passes(const char* path) {\n"
         "  const peal::Kernel kernel = peal::load_kernel_file(path);\n"
         "  return !peal::run_kernel(kernel, {.platform = \"markedsim\"}).mismatch;\n}\n";
  std::ofstream(sources + "/main.cpp")
      << "bool passes(const char* path);\n"
         "int main(int, char** argv) { return passes(argv[1]) ? 0 : 1; }\n";
  run_or_fail(fmt::format("cmake -S '{}' -B '{}' -DCMAKE_PREFIX_PATH='{}' -DCMAKE_CXX_FLAGS='{}'",
                          sources, build, installation.prefix(), PEAL_COMPILE_FLAGS));
  run_or_fail("cmake --build '" + build + "'");
  const Finished run = run_program(build + "/program", installation.kernel());
  EXPECT_EQ(run.code, 0) << run.err;
}

}  // namespace
}  // namespace peal
