#include "modules/api/iq.h"

#include "modules/api/shard.h"

namespace rondel::api {

Session* IqRequest::session() const {
  return shard_->find_session(from());
}

xml::Document IqRequest::make_result() const {
  return xmpp::make_iq_result(stanza_);
}

}  // namespace rondel::api
