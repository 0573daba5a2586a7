//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The dynamic loader trusts a file's headers and crashes on a truncated file,
// so every range that the headers name is compared with the file's size first.
//
//===----------------------------------------------------------------------===//

#include "ELF.h"

#include <cstdint>
#include <cstring>
#include <elf.h>

using namespace lowbit;

#if defined(__x86_64__)
static constexpr unsigned kMachine = EM_X86_64;
static constexpr const char *kMachineName = "x86-64";
#elif defined(__aarch64__)
static constexpr unsigned kMachine = EM_AARCH64;
static constexpr const char *kMachineName = "AArch64";
#elif defined(__riscv)
static constexpr unsigned kMachine = EM_RISCV;
static constexpr const char *kMachineName = "RISC-V";
#else
#error "artifacts are not supported on this machine"
#endif

namespace {

/// Reads structures from the file at offsets that were checked.
class Reader {
public:
  Reader(const void *data, size_t size)
      : data(static_cast<const char *>(data)), size(size) {}

  bool contains(uint64_t offset, uint64_t length) const {
    return offset <= size && length <= size - offset;
  }
  /// Whether `count` entries of `T` lie at `offset`.
  template <typename T>
  bool containsTable(uint64_t offset, uint64_t count) const {
    return offset <= size && count <= (size - offset) / sizeof(T);
  }
  template <typename T> T read(uint64_t offset) const {
    T value;
    std::memcpy(&value, data + offset, sizeof(T));
    return value;
  }

private:
  const char *data;
  uint64_t size;
};

} // namespace

static std::string checkSegments(const Reader &file, const Elf64_Ehdr &header) {
  bool hasCode = false, hasDynamic = false;
  for (uint64_t i = 0; i < header.e_phnum; ++i) {
    const auto segment =
        file.read<Elf64_Phdr>(header.e_phoff + i * sizeof(Elf64_Phdr));
    if (segment.p_type == PT_NULL)
      continue;
    if (!file.contains(segment.p_offset, segment.p_filesz))
      return "the file is truncated: segment " + std::to_string(i) +
             " ends behind it";
    if (segment.p_type == PT_LOAD) {
      if (segment.p_filesz > segment.p_memsz)
        return "segment " + std::to_string(i) + " is malformed";
      hasCode = true;
    }
    if (segment.p_type == PT_DYNAMIC) {
      if (segment.p_filesz % sizeof(Elf64_Dyn) != 0)
        return "the dynamic section is malformed";
      hasDynamic = true;
    }
  }
  if (!hasCode || !hasDynamic)
    return "it is no shared library: it has no loadable or no dynamic segment";
  return "";
}

static std::string checkSections(const Reader &file, const Elf64_Ehdr &header) {
  if (header.e_shoff == 0)
    return "";
  if (header.e_shentsize != sizeof(Elf64_Shdr))
    return "the section table is malformed";
  if (!file.containsTable<Elf64_Shdr>(header.e_shoff, header.e_shnum))
    return "the file is truncated: it ends before its section table";
  for (uint64_t i = 0; i < header.e_shnum; ++i) {
    const auto section =
        file.read<Elf64_Shdr>(header.e_shoff + i * sizeof(Elf64_Shdr));
    if (section.sh_type != SHT_NOBITS && section.sh_type != SHT_NULL &&
        !file.contains(section.sh_offset, section.sh_size))
      return "the file is truncated: section " + std::to_string(i) +
             " ends behind it";
  }
  return "";
}

std::string lowbit::checkSharedLibrary(const void *data, size_t size) {
  if (size == 0)
    return "the file is empty";
  if (size < SELFMAG || std::memcmp(data, ELFMAG, SELFMAG) != 0)
    return "it is no ELF file";
  if (size < sizeof(Elf64_Ehdr))
    return "the file is truncated: it ends within its header";
  const Reader file(data, size);
  const auto header = file.read<Elf64_Ehdr>(0);
  if (header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_machine != kMachine)
    return std::string("it is for another machine: expected ") + kMachineName +
           ", got ELF machine " + std::to_string(header.e_machine);
  if (header.e_type != ET_DYN)
    return "it is no shared library: its ELF type is " +
           std::to_string(header.e_type);
  if (header.e_phentsize != sizeof(Elf64_Phdr))
    return "the segment table is malformed";
  if (!file.containsTable<Elf64_Phdr>(header.e_phoff, header.e_phnum))
    return "the file is truncated: it ends before its segment table";
  std::string problem = checkSegments(file, header);
  return problem.empty() ? checkSections(file, header) : problem;
}
