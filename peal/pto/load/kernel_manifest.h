// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace peal {

// What a compilation has read: every file with the hash of its contents, and the folders of the
// user's own files with the hash of the names in them, since a new file may stand before another.
// Whoever finds all of it unchanged need not run the preprocessor.
class KernelManifest {
 public:
  // Of these files as they are now, and these folders beside theirs.
  [[nodiscard]] static KernelManifest of(const std::vector<std::string>& files,
                                         const std::vector<std::string>& folders);

  // What the manifest was written for, if all is as it says, else nothing.
  [[nodiscard]] static std::optional<std::string> current_text_hash(
      const std::filesystem::path& path);

  // Nothing is written where a name has a line's end in it.
  void write(const std::filesystem::path& path, const std::string& text_hash) const;
  // Whether all files have been as they are since before that moment of the file system's clock.
  [[nodiscard]] bool is_older_than(const timespec& moment) const;
  bool operator==(const KernelManifest& other) const { return lines_ == other.lines_; }

 private:
  std::vector<std::string> files_;
  std::string lines_;
};

}  // namespace peal
