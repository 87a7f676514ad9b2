// EventStore: the events of all streams, in segments that the store holds and an index of them in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "logs/event.hpp"
#include "store/store.hpp"

namespace sallyport::logs {

namespace limits {
inline constexpr std::uint64_t kept_bytes_max = 256u << 20;
inline constexpr std::uint64_t kept_in_memory_bytes_max = 64u << 20;  // where the store itself is memory alone
// What a segment costs beside its text: rows, index, memory.
inline constexpr std::uint64_t segment_overhead = 4096;
// A stream's last segment is written anew with what is added until it has this size: few lines a segment would make many of them.
inline constexpr std::size_t open_segment_bytes_max = 16 * 1024;
inline constexpr std::size_t open_bytes_max = 4u << 20;  // of all open segments, which are kept in memory
inline constexpr std::size_t scanned_bytes_max = 32u << 20;
inline constexpr std::size_t page_events_max = 10'000;
inline constexpr std::size_t page_bytes_max = 1u << 20;
}  // namespace limits

struct NewEvent {
  std::int64_t timestamp_ms = 0;
  std::string message;
};

/// Which stream, and where its records lie.
struct StreamPlace {
  std::string account_id, region, id;
};

/// What is known of a stream's events without reading them.
struct Summary {
  std::int64_t first_ms = 0, last_ms = 0, last_ingestion_ms = 0;
  std::uint64_t byte_count = 0, last_sequence = 0;
};

/// Events of some streams from one position up to another.
struct Query {
  std::vector<std::string> stream_ids;
  Position from;
  Position to = {INT64_MAX, UINT64_MAX};  // not included
  enum class Which : std::uint8_t { oldest, newest } which = Which::oldest;
  std::size_t limit = limits::page_events_max;
  std::function<bool(std::string_view)> wanted = {};  // empty: all
};

struct Found {
  std::size_t stream = 0;  // index into the query's
  Event event;
};

struct Page {
  std::vector<Found> events;  // in the order of their positions
  /// Where the next page begins, if there may be more. Only for the oldest ones.
  std::optional<Position> next;
};

/// May be used from any thread.
class EventStore {
 public:
  /// `store` must outlive it, and be drained or gone before it goes.
  EventStore(store::Store& store, std::uint64_t kept_bytes_max) : store_(store), kept_bytes_max_(kept_bytes_max) {}

  /// Reads the index back. Once, at the start.
  Result<> load();

  /// Adds events to a stream; `done` is called on the store's thread once they are durable and can be found, or have failed.
  void append(const StreamPlace& place, const std::vector<NewEvent>& events, std::int64_t ingestion_ms,
              std::move_only_function<void(Result<>)> done);

  /// Blocks for the disk. What `limits::scanned_bytes_max` ends early says where to go on.
  Result<Page> read(const Query& query) const;

  /// Nothing for a stream without events.
  std::optional<Summary> summary(std::string_view stream_id) const;
  std::vector<std::string> stream_ids() const;

  /// Removes all events of these streams; for streams that are gone.
  void forget(const std::vector<std::string>& stream_ids);
  /// Removes the segments of a stream that have nothing as young as this.
  void expire(std::string_view stream_id, std::int64_t before_ms);

 private:
  struct Segment {
    std::uint64_t id = 0;  // the sequence number of its first event
    std::int64_t first_ms = 0, last_ms = 0, ingestion_ms = 0;
    std::uint64_t last_sequence = 0, byte_count = 0;
  };
  struct Stream {
    std::string account_id, region;
    std::vector<Segment> segments;  // by id
    std::string open;               // the text of the last one, while it may still grow
    int under_way = 0;
  };
  struct Candidate {
    std::size_t stream;
    store::Key key;
    Segment segment;
  };
  class Selection;
  using Streams = std::map<std::string, Stream, std::less<>>;

  static store::Key key_of(std::string_view service, const Stream& stream, std::string_view stream_id, std::uint64_t segment_id);
  Result<> take_index(const store::Record& record);
  std::vector<Candidate> candidates(const Query& query) const;
  void stored(const std::string& stream_id, const Segment& segment, std::string text);
  void erase(const Stream& stream, std::string_view stream_id, const Segment& segment, store::Batch& batch);
  void drop_oldest(store::Batch& batch);
  static bool may_be_growing(const Stream& stream, const Segment& segment);
  void leave_if_empty(Streams::iterator stream);
  void commit_quietly(store::Batch batch);

  store::Store& store_;
  const std::uint64_t kept_bytes_max_;
  mutable std::mutex mutex_;
  Streams streams_;
  std::uint64_t kept_bytes_ = 0, next_sequence_ = 1;
  std::size_t open_bytes_ = 0;
};

}  // namespace sallyport::logs
