// The commands of rondelctl about bindings and storages.
#pragma once

#include <string>

#include "modules/control/rondelctl_client.h"

namespace rondel::modules::control::client {

struct BindingOptions {
  std::string certificate;  ///< A file.
  std::string fingerprint, name, principal;
};

struct CopyOptions {
  std::string from, to, host;
  bool may_replace = false;
};

/// Each gives the program's exit code.
int change_bindings(Client& client,
                    bool is_bind,
                    const std::string& jid,
                    const BindingOptions& options,
                    bool as_json);
int show_account(Client& client, const std::string& jid, bool as_json);
/// Shows how far it is on a terminal, and compares the two at the end.
int copy_storage(Client& client, const CopyOptions& options, bool as_json);

}  // namespace rondel::modules::control::client
