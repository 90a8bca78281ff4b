#include "tls/wire_bio.h"

#include <algorithm>
#include <cstring>
#include <openssl/bio.h>

#include "base/check.h"
#include "tls/channel.h"

namespace rondel::tls {
namespace {

int read_wire(BIO* bio, char* to, std::size_t size, std::size_t* count) {
  Wire& wire = *static_cast<Wire*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  *count = std::min(size, wire.in.size());
  if (wire.is_counting && wire.handshake_bytes + *count > wire.handshake_bytes_max) {
    wire.is_refusing = true;
  }
  if (*count == 0 || wire.is_refusing) {
    *count = 0;
    BIO_set_retry_read(bio);
    return 0;
  }
  std::memcpy(to, wire.in.data(), *count);
  wire.in = wire.in.subspan(*count);
  if (wire.is_counting) {
    wire.handshake_bytes += *count;
  }
  return 1;
}

int write_wire(BIO* bio, const char* from, std::size_t size, std::size_t* count) {
  Wire& wire = *static_cast<Wire*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  RONDEL_CHECK(wire.out != nullptr);
  wire.out->append(std::string_view(from, size));
  *count = size;
  return 1;
}

long control_wire(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int create_wire(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

BIO_METHOD* make_method() {
  BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "rondel wire");
  RONDEL_CHECK(made != nullptr);
  BIO_meth_set_read_ex(made, &read_wire);
  BIO_meth_set_write_ex(made, &write_wire);
  BIO_meth_set_ctrl(made, &control_wire);
  BIO_meth_set_create(made, &create_wire);
  return made;
}

}  // namespace

OpensslPtr<bio_st> make_wire_bio(Wire& wire) {
  // Lives as long as the process: channels may be closed during its very end.
  static const BIO_METHOD* const method = make_method();
  OpensslPtr<bio_st> bio(BIO_new(method));
  if (bio != nullptr) {
    BIO_set_data(bio.get(), &wire);
  }
  return bio;
}

}  // namespace rondel::tls
