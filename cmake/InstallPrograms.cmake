# SPDX-License-Identifier: Apache-2.0
# Where the programs go. Included at the end of the top CMakeLists.txt, when all targets are known.
function(headgate_install_program name destination)
  if(TARGET ${name})
    install(TARGETS ${name} RUNTIME DESTINATION ${destination})
  endif()
endfunction()

headgate_install_program(headgated ${CMAKE_INSTALL_SBINDIR})
headgate_install_program(headgate-serial ${CMAKE_INSTALL_LIBEXECDIR}/headgate)
headgate_install_program(headgate-udp ${CMAKE_INSTALL_LIBEXECDIR}/headgate)
headgate_install_program(headgate-coap ${CMAKE_INSTALL_LIBEXECDIR}/headgate)
headgate_install_program(headgate-ble ${CMAKE_INSTALL_LIBEXECDIR}/headgate)
