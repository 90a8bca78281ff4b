// The control protocol: one JSON object a line, requests one way, answers the other, in order.
//
//   → {"command": "user.add", "jid": "juliet@example.org", "password": "…"}
//   ← {"ok": true}
//   → {"command": "user.list", "host": "example.org", "after": "", "limit": 1000}
//   ← {"ok": true, "users": [{"jid": "juliet@example.org", "state": "active", "created":
//   "2026-…Z"}]} ← {"ok": false, "error": "there is no host example.net here"}
//
// Commands: user.add, user.delete, user.passwd, user.list, user.import (users: [{jid, password}…],
// at most kImportBatchMax of them), user.bind, user.unbind, user.show (binding_commands.h),
// storage.copy, storage.compare (copy_commands.h), status, sessions, modules, reload, stop.
#pragma once

#include <cstddef>

namespace rondel::modules::control {

/// A longer request ends the connection.
inline constexpr std::size_t kRequestBytesMax = 1024 * 1024;
inline constexpr std::size_t kImportBatchMax = 500;
inline constexpr std::size_t kListPageMax = 1000;
/// Users that are copied or compared by one request.
inline constexpr std::size_t kCopyPageMax = 200;

}  // namespace rondel::modules::control
