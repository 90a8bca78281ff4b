#include "modules/loader/loaded_module.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>
#include <utility>

namespace rondel::modules {
namespace {

base::Unexpected<base::Error> failure(std::string text) {
  return base::Unexpected(base::Error(std::move(text)));
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
  using Describe = const api::ModuleInfo* (*)();
  const auto describe = reinterpret_cast<Describe>(dlsym(library, "rondel_module"));
  if (describe == nullptr) {
    return failure(
        fmt::format("{} is no module of Rondel: it exports no rondel_module", loaded.file_));
  }
  const api::ModuleInfo* info = describe();
  if (info == nullptr || info->api_version != api::kApiVersion) {
    return failure(fmt::format(
        "{} was built for version {} of the module API, this server has {}: build it anew",
        loaded.file_, info ? info->api_version : 0, api::kApiVersion));
  }
  if (info->build_signature != api::kBuildSignature) {
    return failure(
        fmt::format("{} was built with \"{}\", this server with \"{}\": build it with the same "
                    "compiler and options",
                    loaded.file_, info->build_signature, api::kBuildSignature));
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
