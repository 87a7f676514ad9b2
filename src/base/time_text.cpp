#include "base/time_text.hpp"

#include "base/text.hpp"

namespace sallyport {
namespace {

struct Parts {
  int year;
  unsigned month, day, weekday;
  unsigned hour, minute, second, millis;
};

Parts parts_of(WallTime time) {
  using namespace std::chrono;
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{floor<milliseconds>(time - day)};
  return {static_cast<int>(date.year()),
          static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()),
          weekday{day}.c_encoding(),
          static_cast<unsigned>(clock.hours().count()),
          static_cast<unsigned>(clock.minutes().count()),
          static_cast<unsigned>(clock.seconds().count()),
          static_cast<unsigned>(clock.subseconds().count())};
}

/// The longest of these texts has 29 characters.
class Text {
 public:
  Text& number(unsigned number, std::size_t width) {
    for (auto i = width; i-- > 0; number /= 10) bytes_[size_ + i] = static_cast<char>('0' + number % 10);
    size_ += width;
    return *this;
  }
  Text& put(char c) {
    bytes_[size_++] = c;
    return *this;
  }
  Text& put(std::string_view text) {
    size_ += text.copy(bytes_ + size_, sizeof bytes_ - size_);
    return *this;
  }
  Text& date(const Parts& p, char separator) {
    return number(static_cast<unsigned>(p.year), 4).put(separator).number(p.month, 2).put(separator).number(p.day, 2);
  }
  Text& clock(const Parts& p) { return number(p.hour, 2).put(':').number(p.minute, 2).put(':').number(p.second, 2); }
  std::string text() const { return {bytes_, size_}; }

 private:
  char bytes_[32];
  std::size_t size_ = 0;
};

constexpr std::string_view months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::string_view weekdays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

}  // namespace

std::string iso8601_seconds(WallTime time) {
  const auto p = parts_of(time);
  return Text().date(p, '-').put('T').clock(p).put('Z').text();
}

std::string iso8601_millis(WallTime time) {
  const auto p = parts_of(time);
  return Text().date(p, '-').put('T').clock(p).put('.').number(p.millis, 3).put('Z').text();
}

std::string iso8601_basic(WallTime time) {
  const auto p = parts_of(time);
  Text out;
  out.number(static_cast<unsigned>(p.year), 4).number(p.month, 2).number(p.day, 2).put('T');
  return out.number(p.hour, 2).number(p.minute, 2).number(p.second, 2).put('Z').text();
}

std::string http_date(WallTime time) {
  const auto p = parts_of(time);
  Text out;
  out.put(weekdays[p.weekday]).put(", ").number(p.day, 2).put(' ').put(months[p.month - 1]).put(' ');
  return out.number(static_cast<unsigned>(p.year), 4).put(' ').clock(p).put(" GMT").text();
}

std::string clf_time(WallTime time) {
  const auto p = parts_of(time);
  Text out;
  out.number(p.day, 2).put('/').put(months[p.month - 1]).put('/').number(static_cast<unsigned>(p.year), 4).put(':');
  return out.clock(p).put(" +0000").text();
}

std::string date_path(WallTime time) { return Text().date(parts_of(time), '/').text(); }

std::optional<WallTime> parse_iso8601(std::string_view text) {
  using namespace std::chrono;
  const auto take = [&](std::size_t width) -> std::optional<int> {
    if (text.size() < width) return std::nullopt;
    for (std::size_t i = 0; i < width; ++i)
      if (!is_digit(text[i])) return std::nullopt;
    const auto value = parse_number<int>(text.substr(0, width));
    text.remove_prefix(width);
    return value;
  };
  const auto skip = [&](char c) {
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
  };
  const auto y = take(4);
  if (!y || !skip('-')) return std::nullopt;
  const auto mo = take(2);
  if (!mo || !skip('-')) return std::nullopt;
  const auto d = take(2);
  if (!d) return std::nullopt;
  const year_month_day date{year{*y}, month{static_cast<unsigned>(*mo)}, day{static_cast<unsigned>(*d)}};
  if (!date.ok()) return std::nullopt;
  WallTime time = sys_days{date};
  if (text.empty()) return time;
  if (!skip('T')) return std::nullopt;
  const auto h = take(2);
  if (!h || *h > 23 || !skip(':')) return std::nullopt;
  const auto mi = take(2);
  if (!mi || *mi > 59) return std::nullopt;
  time += hours{*h} + minutes{*mi};
  if (skip(':')) {
    const auto s = take(2);
    if (!s || *s > 60) return std::nullopt;
    time += seconds{*s};
    if (skip('.')) {
      std::int64_t scale = 100'000, fraction = 0;
      if (text.empty() || !is_digit(text.front())) return std::nullopt;
      while (!text.empty() && is_digit(text.front())) {
        fraction += (text.front() - '0') * scale;
        scale /= 10;
        text.remove_prefix(1);
      }
      time += microseconds{fraction};
    }
  }
  if (skip('Z')) return text.empty() ? std::optional(time) : std::nullopt;
  if (text.empty() || (text.front() != '+' && text.front() != '-')) return std::nullopt;
  const int sign = text.front() == '+' ? -1 : 1;
  text.remove_prefix(1);
  const auto oh = take(2);
  if (!oh || *oh > 23) return std::nullopt;
  skip(':');
  const auto om = take(2);
  if (!om || *om > 59 || !text.empty()) return std::nullopt;
  return time + sign * (hours{*oh} + minutes{*om});
}

std::optional<WallTime> parse_iso8601_basic(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T') return std::nullopt;
  // One grammar for both formats: the separators are put in, and everything else is checked there.
  const auto time =
      parse_iso8601(cat(text.substr(0, 4), "-", text.substr(4, 2), "-", text.substr(6, 5), ":", text.substr(11, 2), ":", text.substr(13)));
  return time && iso8601_basic(*time) == text ? time : std::nullopt;  // no leap second, no other zone
}

}  // namespace sallyport
