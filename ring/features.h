// What this kernel's io_uring can do, and why it may not be there at all.
#pragma once

#include <string>

#include "base/result.h"

namespace rondel::ring {

/// The result of a probe; for the log, and for choices that are made once at start.
struct Features {
  std::string kernel_release;
  unsigned setup_flags = 0;               ///< IORING_SETUP_* flags that were accepted.
  bool has_deferred_completions = false;  ///< DEFER_TASKRUN, kernel 6.1.
  bool has_message_ring = false;          ///< MSG_RING, kernel 5.18.
  bool has_restrictions = false;          ///< A ring can be limited to the opcodes that it uses.
  /// A socket leaves a ring's own table at once, whatever else is under way there; kernel 6.13.
  /// Before, it stayed open until all older operations of the table had ended.
  bool has_prompt_file_table = false;
  unsigned opcodes = 0;  ///< How many operations the kernel knows.

  /// One line: "io_uring on 6.1.0: DEFER_TASKRUN SINGLE_ISSUER ..., 49 opcodes".
  [[nodiscard]] std::string description() const;
};

/// Makes a small ring and looks; costs a few system calls.
///
/// Errors: as UringRing::create.
base::Result<Features> probe_features();

/// The sentence for an operator when a ring cannot be made.
///
/// Units: `error_number` is a positive errno of io_uring_setup or of a registration.
[[nodiscard]] base::Error setup_error(int error_number);

}  // namespace rondel::ring
