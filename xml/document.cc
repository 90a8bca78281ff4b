#include "xml/document.h"

#include "xml/well_known.h"

namespace rondel::xml {

Document Document::create(std::string_view name, std::string_view ns) {
  Arena arena;
  auto* root = arena.make<Element>(arena.copy(name), keep_namespace(arena, ns));
  return Document(std::move(arena), *root);
}

Document Document::copy_of(const Element& source) {
  Arena arena;
  Element& root = Element::copy(arena, source);
  return Document(std::move(arena), root);
}

}  // namespace rondel::xml
