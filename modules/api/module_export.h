// The two symbols that a module exports. For the one source that has them: it is compiled anew with
// every change of a header that a module can see.
#pragma once

#include "modules/api/header_hash.h"
#include "modules/api/module.h"

#define RONDEL_TEXT_(x) #x
#define RONDEL_TEXT(x) RONDEL_TEXT_(x)
#if defined(__SANITIZE_ADDRESS__)
#define RONDEL_SIGNATURE_SANITIZER " asan"
#elif defined(__SANITIZE_THREAD__)
#define RONDEL_SIGNATURE_SANITIZER " tsan"
#else
#define RONDEL_SIGNATURE_SANITIZER ""
#endif
#ifdef RONDEL_ASSERTIONS
#define RONDEL_SIGNATURE_ASSERTIONS " assertions"
#else
#define RONDEL_SIGNATURE_ASSERTIONS ""
#endif
/// What two builds must share for one to load into the other: a compiler, options that change
/// layouts, and all headers of ours that a module can see.
#define RONDEL_BUILD_SIGNATURE                                                           \
  __VERSION__ " abi " RONDEL_TEXT(__GXX_ABI_VERSION)                                     \
      RONDEL_SIGNATURE_ASSERTIONS RONDEL_SIGNATURE_SANITIZER RONDEL_SIGNATURE_HEADERS_IS \
          RONDEL_HEADER_HASH
/// Stands before the hash, so that a reader of a signature finds it.
#define RONDEL_SIGNATURE_HEADERS_IS " headers "

/// Exports `info`, an object of type ModuleInfo with static lifetime, and the build's signature.
/// The signature has a symbol of its own, of a type that never changes: it is read before anything
/// whose layout might differ.
#define RONDEL_MODULE(info)                                                             \
  extern "C" __attribute__((visibility("default"))) const char* rondel_module_build() { \
    return RONDEL_BUILD_SIGNATURE;                                                      \
  }                                                                                     \
  extern "C" __attribute__((visibility("default"))) const ::rondel::api::ModuleInfo*    \
  rondel_module() {                                                                     \
    return &(info);                                                                     \
  }                                                                                     \
  static_assert(true, "a semicolon follows")
