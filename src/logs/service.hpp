// CloudWatch Logs as a service of the control plane.
#pragma once

#include "control/service.hpp"
#include "logs/logs.hpp"

namespace sallyport::logs {

/// `logs` must outlive the service.
control::Service make_service(Logs& logs);

}  // namespace sallyport::logs
