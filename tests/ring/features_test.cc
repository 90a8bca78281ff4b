#include "ring/features.h"

#include <cerrno>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <liburing.h>

#include "ring/kernel_ring.h"

namespace rondel::ring {
namespace {

using testing::HasSubstr;

TEST(Features, describe_this_kernel_in_one_line) {
  const base::Result<Features> features = probe_features();
  ASSERT_TRUE(features) << features.error().message;
  EXPECT_FALSE(features->kernel_release.empty());
  EXPECT_GT(features->opcodes, 40U);
  const std::string line = features->description();
  EXPECT_THAT(line, HasSubstr(features->kernel_release));
  EXPECT_EQ(line.find('\n'), line.npos);
  EXPECT_EQ(line.find("DEFER_TASKRUN") != line.npos, features->has_deferred_completions);
  RecordProperty("description", line);
}

struct SetupErrorCase {
  int error_number;
  const char* expected;
};

class SetupError : public testing::TestWithParam<SetupErrorCase> {};

TEST_P(SetupError, tells_the_operator_what_to_do) {
  const base::Error error = setup_error(GetParam().error_number);
  EXPECT_THAT(error.message, HasSubstr(GetParam().expected));
  EXPECT_EQ(error.code.value(), GetParam().error_number);
}

INSTANTIATE_TEST_SUITE_P(errnos,
                         SetupError,
                         testing::Values(SetupErrorCase{ENOSYS, "Linux 6.1 or newer"},
                                         SetupErrorCase{EINVAL, "Linux 6.1 or newer"},
                                         SetupErrorCase{ENOMEM, "LimitMEMLOCK"},
                                         SetupErrorCase{EMFILE, "LimitNOFILE"},
                                         SetupErrorCase{EPERM, "io_uring"},
                                         SetupErrorCase{EIO, "Input/output error"}));

TEST(KernelRing, that_is_restricted_refuses_other_opcodes) {
  for (const bool is_restricted : {true, false}) {
    const std::unique_ptr<KernelRing> kernel = KernelRing::create(4, 8).value();
    if (is_restricted && !kernel->try_restrict()) {
      GTEST_SKIP() << "this kernel has no restrictions";
    }
    ASSERT_TRUE(kernel->enable());
    io_uring_sqe* entry = kernel->next_entry();
    io_uring_prep_openat(entry, AT_FDCWD, "/nowhere/at/all", O_RDONLY, 0);
    ASSERT_EQ(kernel->enter(base::Milliseconds(500)), 0);
    io_uring_cqe* completion = nullptr;
    ASSERT_EQ(io_uring_peek_cqe(&kernel->raw(), &completion), 0);
    EXPECT_EQ(completion->res, is_restricted ? -EACCES : -ENOENT);
    io_uring_cqe_seen(&kernel->raw(), completion);
  }
}

TEST(KernelRing, can_be_made_many_times_in_one_thread) {
  // A thread has 16 places for ring descriptors: a ring that did not give its place back would show
  // here.
  for (int i = 0; i < 50; ++i) {
    const std::unique_ptr<KernelRing> kernel = KernelRing::create(2, 4).value();
    kernel->try_restrict();
    ASSERT_TRUE(kernel->enable());
    ASSERT_EQ(kernel->enter(base::Nanoseconds(0)), 0);
  }
}

}  // namespace
}  // namespace rondel::ring
