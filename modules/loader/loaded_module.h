// One module's shared object, opened and checked.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "modules/api/module.h"

namespace rondel::modules {

/// A shared object and the descriptor that it exports.
///
/// Owner: whoever loads; everything that the module made must be gone before. Thread: start-up.
class LoadedModule {
 public:
  /// Opens `directory`/`name`.so and reads its descriptor; nothing of the module runs but its
  /// static constructors.
  ///
  /// Errors: a sentence that names the file: it is missing, can't be linked, has no symbol
  /// rondel_module, was built by another compiler or against other headers, is of another API
  /// version, or calls itself by another name.
  [[nodiscard]] static base::Result<LoadedModule> open(const std::string& directory,
                                                       const std::string& name);

  LoadedModule(LoadedModule&& other) noexcept;
  LoadedModule& operator=(LoadedModule&& other) noexcept;
  ~LoadedModule();

  [[nodiscard]] const api::ModuleInfo& info() const { return *info_; }
  [[nodiscard]] const std::string& file() const { return file_; }

 private:
  LoadedModule(void* library, const api::ModuleInfo* info, std::string file)
      : library_(library), info_(info), file_(std::move(file)) {}

  void* library_;
  const api::ModuleInfo* info_;
  std::string file_;
};

}  // namespace rondel::modules
