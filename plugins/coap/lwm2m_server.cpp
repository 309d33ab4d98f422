// SPDX-License-Identifier: Apache-2.0
#include "coap/lwm2m_server.hpp"

#include "coap/lwm2m_registration.hpp"

namespace hg::coap {

std::unique_ptr<Lwm2mServer> Lwm2mServer::make(Parts parts) {
  return std::make_unique<RegistrationInterface>(std::move(parts));
}

}  // namespace hg::coap
