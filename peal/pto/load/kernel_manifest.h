// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace peal {

// What the preprocessor has read for one text: every file with the hash of its contents, and every
// folder searched with the hash of the file names in it. The preprocessor's text is a function of
// its command (the cache key), of the contents of the files that it opens, and of which files exist
// where it searches: a new file in an earlier folder can shadow an included one. If all of these
// are unchanged, so is the text, and the preprocessor need not run.
class KernelManifest {
 public:
  // Hashes these files as they are now; these folders; and the folders of the files, except those
  // below /usr/.
  [[nodiscard]] static KernelManifest of(const std::vector<std::string>& files,
                                         const std::vector<std::string>& folders);

  // The text hash that the manifest at `path` was written for, if every file and folder still has
  // the recorded hash and only this user can have written the manifest; nothing otherwise.
  [[nodiscard]] static std::optional<std::string> current_text_hash(
      const std::filesystem::path& path);

  // Writes the manifest. A file name with a line break cannot be represented; then the file is left
  // empty, which current_text_hash() rejects.
  void write(const std::filesystem::path& path, const std::string& text_hash) const;
  // True if the change time (ctime) of every file lies before `moment` of the file system's clock.
  [[nodiscard]] bool is_older_than(const timespec& moment) const;
  bool operator==(const KernelManifest& other) const { return lines_ == other.lines_; }

 private:
  std::vector<std::string> files_;
  std::string lines_;
};

}  // namespace peal
