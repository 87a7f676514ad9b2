// Where AWS's behaviour is not documented, or only in words: one member for each decision, so that it can be found and changed.
#pragma once

#include <chrono>

namespace sallyport::cognito {

struct Choices {
  /// Wrong codes, of all kinds, that a user may send in `codes_failed_window`. AWS says only that there is a limit.
  int codes_failed_max = 5;
  std::chrono::seconds codes_failed_window{900};
  /// Codes that may be sent to a user in `codes_sent_window`. AWS: five to twenty an hour, by the risk it sees.
  int codes_sent_max = 10;
  std::chrono::seconds codes_sent_window{3600};
  /// AWS: an account is locked for a second after the fifth wrong password, twice as long with each further one up to about 15 minutes, and
  /// begins anew after 15 minutes without one.
  int passwords_free = 5;
  std::chrono::seconds lock_max{900}, lock_forgotten{900};
  /// A code for a user that does not exist, where the client hides that: answered as a wrong code.
  bool unknown_user_code_is_mismatch = true;
  /// UpdateUserPool without these members keeps what is set; everything else falls back to its default, as AWS documents.
  bool update_keeps_protection_tier_mfa_and_tags = true;
  /// How far a client's clock may be off when it signs an SRP proof. AWS checks the timestamp and does not say how closely.
  std::chrono::seconds srp_clock_leeway{300};
};

inline constexpr Choices choices;

}  // namespace sallyport::cognito
