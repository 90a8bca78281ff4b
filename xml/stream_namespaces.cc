#include "xml/stream_namespaces.h"

#include <algorithm>
#include <functional>

#include "xml/element.h"

namespace rondel::xml {
namespace {

std::shared_ptr<const StreamNamespaces::Bindings> make(
    std::string content, std::vector<std::pair<std::string, std::string>> prefixes) {
  auto bindings = std::make_shared<StreamNamespaces::Bindings>();
  std::sort(prefixes.begin(), prefixes.end());
  bindings->content = std::move(content);
  bindings->prefixes = std::move(prefixes);
  // The hash only shortens comparisons; equality always looks at the strings.
  const std::hash<std::string> hash;
  bindings->hash = hash(bindings->content);
  for (const auto& [prefix, ns] : bindings->prefixes) {
    bindings->hash = bindings->hash * 1'099'511'628'211ULL + hash(prefix) * 31 + hash(ns);
  }
  return bindings;
}

}  // namespace

StreamNamespaces StreamNamespaces::none() {
  static const auto bindings = make("", {});
  return StreamNamespaces(bindings);
}

StreamNamespaces StreamNamespaces::client() {
  static const auto bindings =
      make(std::string(kClientNamespace), {{"stream", std::string(kStreamsNamespace)}});
  return StreamNamespaces(bindings);
}

StreamNamespaces StreamNamespaces::server() {
  static const auto bindings =
      make(std::string(kServerNamespace),
           {{"db", "jabber:server:dialback"}, {"stream", std::string(kStreamsNamespace)}});
  return StreamNamespaces(bindings);
}

StreamNamespaces StreamNamespaces::of(std::string content,
                                      std::vector<std::pair<std::string, std::string>> prefixes) {
  StreamNamespaces made(make(std::move(content), std::move(prefixes)));
  for (const StreamNamespaces& usual : {client(), server(), none()}) {
    if (made == usual) {
      return usual;
    }
  }
  return made;
}

}  // namespace rondel::xml
