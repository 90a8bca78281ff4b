#include "modules/loader/loaded_module.h"

#include <cstring>
#include <dlfcn.h>
#include <fmt/format.h>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>

#include "modules/api/module_export.h"

namespace rondel::modules {
namespace {

base::Unexpected<base::Error> failure(std::string text) {
  return base::Unexpected(base::Error(std::move(text)));
}

template <class Function>
Function symbol(void* library, const char* name) {
  return reinterpret_cast<Function>(dlsym(library, name));
}

/// A build's signature: how it was compiled, and the hash of the headers that it saw.
struct Signature {
  explicit Signature(std::string_view text)
      : compiled(text.substr(0, text.rfind(RONDEL_SIGNATURE_HEADERS_IS))) {
    if (compiled.size() < text.size()) {
      headers = text.substr(compiled.size() + std::strlen(RONDEL_SIGNATURE_HEADERS_IS));
    }
  }
  std::string_view compiled;
  std::string_view headers;
};

/// Ends the sentence "<module> was built ...": what differs, and what to do; empty if nothing does.
std::string difference_from_this_build(const char* text) {
  if (text == nullptr) {
    return "for an older module API, without rondel_module_build: build it anew against the "
           "headers of this server";
  }
  const Signature theirs(text);
  const Signature ours(RONDEL_BUILD_SIGNATURE);
  if (theirs.compiled != ours.compiled) {
    return fmt::format(
        "with \"{}\", this server with \"{}\": build it with the same compiler and options",
        theirs.compiled, ours.compiled);
  }
  if (theirs.headers != ours.headers) {
    return fmt::format(
        "against other headers of Rondel (their hash is {}, that of this server's is {}): build it "
        "anew against the headers of this server",
        theirs.headers, ours.headers);
  }
  return {};
}

}  // namespace

base::Result<LoadedModule> LoadedModule::open(const std::string& directory,
                                              const std::string& name) {
  std::string file = fmt::format("{}/{}.so", directory, name);
  if (access(file.c_str(), R_OK) != 0) {
    return failure(fmt::format(
        "module \"{}\" can't be read: there is no {} (is [modules] directory right?)", name, file));
  }
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return failure(fmt::format("module \"{}\" can't be loaded: {}", name, dlerror()));
  }
  LoadedModule loaded(library, nullptr, std::move(file));
  const auto describe = symbol<const api::ModuleInfo* (*)()>(library, "rondel_module");
  if (describe == nullptr) {
    return failure(
        fmt::format("{} is no module of Rondel: it exports no rondel_module", loaded.file_));
  }
  // Before anything that it describes is read: another build may have laid it out differently.
  const auto build = symbol<const char* (*)()>(library, "rondel_module_build");
  const std::string difference = difference_from_this_build(build ? build() : nullptr);
  if (!difference.empty()) {
    return failure(fmt::format("{} was built {}", loaded.file_, difference));
  }
  const api::ModuleInfo* info = describe();
  if (info == nullptr || info->api_version != api::kApiVersion) {
    return failure(fmt::format(
        "{} was built for version {} of the module API, this server has {}: build it anew",
        loaded.file_, info ? info->api_version : 0, api::kApiVersion));
  }
  if (info->name != name || info->create == nullptr) {
    return failure(fmt::format("{} calls itself \"{}\": the file must be named after the module",
                               loaded.file_, info->name));
  }
  loaded.info_ = info;
  return loaded;
}

LoadedModule::LoadedModule(LoadedModule&& other) noexcept
    : library_(std::exchange(other.library_, nullptr)),
      info_(other.info_),
      file_(std::move(other.file_)) {
}

LoadedModule& LoadedModule::operator=(LoadedModule&& other) noexcept {
  std::swap(library_, other.library_);
  std::swap(info_, other.info_);
  std::swap(file_, other.file_);
  return *this;
}

LoadedModule::~LoadedModule() {
  if (library_ != nullptr) {
    dlclose(library_);
  }
}

}  // namespace rondel::modules
