// SPDX-License-Identifier: Apache-2.0
#include "peal/base/memory/memory_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

namespace peal {

int make_memory_file(const char* name, bool is_inherited) {
  const int file = ::memfd_create(name, is_inherited ? 0 : MFD_CLOEXEC);
  if (file < 0 || file > STDERR_FILENO) return file;
  const int other = ::fcntl(file, is_inherited ? F_DUPFD : F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  const int code = errno;
  ::close(file);
  errno = code;
  return other;
}

}  // namespace peal
