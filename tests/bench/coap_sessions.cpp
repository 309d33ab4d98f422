// SPDX-License-Identifier: Apache-2.0
// Opens many DTLS-PSK sessions with a CoAP server, one request in each, prints "ready" and keeps them, for
// bench_coap_block.py: coap_sessions HOST PORT COUNT.
#include <coap3/coap.h>

#include <arpa/inet.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

coap_response_t count_answer(coap_session_t* session, const coap_pdu_t*, const coap_pdu_t*, coap_mid_t) {
  ++*static_cast<int*>(coap_get_app_data(coap_session_get_context(session)));
  return COAP_RESPONSE_OK;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  coap_context_t* context = coap_new_context(nullptr);
  int answers = 0;
  coap_set_app_data(context, &answers);
  coap_register_response_handler(context, &count_answer);
  coap_address_t server;
  coap_address_init(&server);
  server.size = sizeof server.addr.sin;
  server.addr.sin.sin_family = AF_INET;
  server.addr.sin.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[2])));
  if (inet_pton(AF_INET, argv[1], &server.addr.sin.sin_addr) != 1) return 2;
  const int wanted = std::atoi(argv[3]);
  const char* key = "0123456789abcdef";
  for (int made = 0; made < wanted; ++made) {
    coap_session_t* session = coap_new_client_session_psk(context, nullptr, &server, COAP_PROTO_DTLS, "child",
                                                          reinterpret_cast<const std::uint8_t*>(key), 16);
    if (session == nullptr) return 1;
    coap_pdu_t* request = coap_pdu_init(COAP_MESSAGE_CON, COAP_REQUEST_CODE_POST, coap_new_message_id(session), 100);
    coap_add_option(request, COAP_OPTION_URI_PATH, 2, reinterpret_cast<const std::uint8_t*>("rd"));
    coap_send(session, request);
    for (int turns = 0; answers <= made; ++turns) {
      if (turns == 1000) return 1;
      coap_io_process(context, 100);
    }
  }
  std::puts("ready");
  std::fflush(stdout);
  return std::getchar() == EOF ? 0 : 1;
}
