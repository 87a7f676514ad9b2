#include "schema/canonical.hpp"

#include <algorithm>
#include <vector>

#include "base/text.hpp"
#include "schema/decimal.hpp"

namespace sallyport::schema {
namespace {

/// Every value is written so that its end shows without what follows: lengths before text, a mark after numbers and containers.
class Writer {
 public:
  Writer(std::string& out, std::size_t length_max, Budget& budget)
      : out_(out), end_(length_max > std::string::npos - out.size() ? std::string::npos : out.size() + length_max), budget_(budget) {}

  bool write(const json::Value& root) {
    if (!open(root)) return false;
    while (!frames_.empty()) {
      auto& frame = frames_.back();
      const bool is_list = frame.list != nullptr;
      if (frame.next == (is_list ? frame.list->size() : frame.members.size())) {
        frames_.pop_back();
        if (!mark(is_list ? ']' : '}')) return false;
      } else if (is_list) {
        if (!open((*frame.list)[frame.next++])) return false;
      } else {
        const auto* member = frame.members[frame.next++];
        if (!text(member->first) || !open(member->second)) return false;
      }
    }
    return true;
  }

 private:
  struct Frame {
    const json::Array* list = nullptr;
    std::vector<const json::Member*> members;
    std::size_t next = 0;
  };

  /// Whether content of that length may follow; the few bytes of its frame are not counted.
  bool fits(std::size_t length) { return out_.size() <= end_ && length <= end_ - out_.size() && budget_.take_bytes(length); }
  bool mark(char c) {
    if (!fits(1)) return false;
    out_ += c;
    return true;
  }
  bool text(std::string_view content) {
    if (!fits(content.size())) return false;
    append(out_, content.size());
    out_ += ':';
    out_ += content;
    return true;
  }
  bool number(std::string_view written) {
    if (!budget_.take_bytes(written.size())) return false;
    const auto decimal = Decimal::read(written);
    if (!fits(decimal ? decimal->digits().size() : written.size())) return false;
    if (!decimal) {
      append(out_, '#');
      append(out_, written);
      append(out_, ';');
    } else {
      out_ += decimal->is_negative() ? "-" : "+";
      out_ += decimal->digits();
      out_ += 'e';
      append(out_, decimal->exponent());
      out_ += ';';
    }
    return true;
  }
  bool open(const json::Value& value) {
    if (const auto* content = value.string()) return mark('"') && text(*content);
    if (const auto* written = value.number()) return number(written->text);
    if (const auto* flag = value.boolean()) return mark(*flag ? 't' : 'f');
    if (const auto* list = value.array()) {
      frames_.push_back({.list = list});
      return mark('[');
    }
    if (const auto* object = value.object()) {
      if (!budget_.take(static_cast<std::int64_t>(object->size()))) return false;
      auto& members = frames_.emplace_back().members;
      members.reserve(object->size());
      for (const auto& member : *object) members.push_back(&member);
      std::ranges::sort(members, {}, [](const json::Member* member) -> const std::string& { return member->first; });
      return mark('{');
    }
    return mark('n');
  }

  std::string& out_;
  std::size_t end_;
  Budget& budget_;
  std::vector<Frame> frames_;
};

}  // namespace

bool append_canonical(std::string& out, const json::Value& value, std::size_t length_max, Budget& budget) {
  return Writer(out, length_max, budget).write(value);
}

}  // namespace sallyport::schema
