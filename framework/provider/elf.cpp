#include "provider/elf.h"

#include <elf.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/text.h"

namespace attnbench {
namespace {

#if defined(__x86_64__)
constexpr int kOwnMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr int kOwnMachine = EM_AARCH64;
#else
#error "add this machine's ELF number"
#endif

std::string machine_name(int machine) {
  switch (machine) {
    case EM_X86_64:
      return "x86-64";
    case EM_AARCH64:
      return "aarch64";
    case EM_386:
      return "32-bit x86";
    case EM_ARM:
      return "32-bit ARM";
    case EM_RISCV:
      return "RISC-V";
    case EM_PPC64:
      return "ppc64";
    case EM_S390:
      return "s390";
    default:
      return fmt::format("machine {}", machine);
  }
}

template <typename Header>
bool read_at(std::ifstream& file, uint64_t offset, Header& header) {
  file.clear();
  file.seekg(static_cast<std::streamoff>(offset));
  file.read(reinterpret_cast<char*>(&header), sizeof(header));
  return file.gcount() == static_cast<std::streamsize>(sizeof(header));
}

LibraryFault truncated(uint64_t present_bytes, uint64_t needed_bytes) {
  return {LibraryState::truncated,
          fmt::format("the file ends after {} of {} bytes; copy or build it again", present_bytes,
                      needed_bytes)};
}

// True if [offset, offset + bytes) lies within the file; safe against wrapping.
bool fits(uint64_t file_bytes, uint64_t offset, uint64_t bytes) {
  return offset <= file_bytes && bytes <= file_bytes - offset;
}

std::optional<LibraryFault> find_truncation(std::ifstream& file, uint64_t file_bytes,
                                            const Elf64_Ehdr& header) {
  const uint64_t tables[][2] = {{header.e_phoff, uint64_t{header.e_phnum} * header.e_phentsize},
                                {header.e_shoff, uint64_t{header.e_shnum} * header.e_shentsize}};
  for (const auto& [offset, bytes] : tables) {
    if (!fits(file_bytes, offset, bytes)) return truncated(file_bytes, offset + bytes);
  }
  for (int i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    if (!read_at(file, header.e_phoff + uint64_t(i) * header.e_phentsize, segment)) {
      return truncated(file_bytes, header.e_phoff + (uint64_t(i) + 1) * header.e_phentsize);
    }
    if (segment.p_type == PT_LOAD && !fits(file_bytes, segment.p_offset, segment.p_filesz)) {
      return truncated(file_bytes, segment.p_offset + segment.p_filesz);
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<LibraryFault> find_elf_fault(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return LibraryFault{LibraryState::load_failed,
                        fmt::format("cannot be read: {}", std::strerror(errno))};
  }
  std::error_code unreadable;
  const uint64_t file_bytes = std::filesystem::file_size(path, unreadable);
  if (unreadable) return LibraryFault{LibraryState::load_failed, unreadable.message()};

  unsigned char ident[EI_NIDENT];
  if (!read_at(file, 0, ident) || std::memcmp(ident, ELFMAG, SELFMAG) != 0) {
    return LibraryFault{LibraryState::not_elf, "is no ELF file, so no shared library"};
  }
  if (ident[EI_CLASS] != ELFCLASS64 || ident[EI_DATA] != ELFDATA2LSB) {
    return LibraryFault{LibraryState::wrong_architecture,
                        fmt::format("is not 64-bit little-endian; this machine needs {}",
                                    machine_name(kOwnMachine))};
  }
  Elf64_Ehdr header;
  if (!read_at(file, 0, header)) return truncated(file_bytes, sizeof(header));
  if (header.e_machine != kOwnMachine) {
    return LibraryFault{LibraryState::wrong_architecture,
                        fmt::format("is built for {}, this machine is {}",
                                    machine_name(header.e_machine), machine_name(kOwnMachine))};
  }
  if (header.e_type != ET_DYN) {
    return LibraryFault{LibraryState::load_failed,
                        "is an ELF file but no shared library; link it with -shared"};
  }
  return find_truncation(file, file_bytes, header);
}

}  // namespace attnbench
