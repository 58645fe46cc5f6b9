#include "CSIMDJSON.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

namespace {

using simdjson::error_code;
namespace ondemand = simdjson::ondemand;

struct Name {
  std::string text;
  // The name as an index into an array, or -1.
  int64_t index;
};

using Path = std::vector<Name>;

int64_t index_of(std::string_view text) {
  if (text.empty() || text.size() > 9 || (text.size() > 1 && text[0] == '0')) return -1;
  int64_t index = 0;
  for (char digit : text) {
    if (digit < '0' || digit > '9') return -1;
    index = index * 10 + (digit - '0');
  }
  return index;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Whether a token is a number by RFC 8259, section 6, and whether it is a whole one.
bool is_number(std::string_view token, bool &is_whole) {
  size_t at = 0;
  auto digits = [&] {
    size_t start = at;
    while (at < token.size() && is_digit(token[at])) at++;
    return at > start;
  };
  is_whole = true;
  if (at < token.size() && token[at] == '-') at++;
  if (at < token.size() && token[at] == '0') {
    at++;
  } else if (!digits()) {
    return false;
  }
  if (at < token.size() && token[at] == '.') {
    is_whole = false;
    at++;
    if (!digits()) return false;
  }
  if (at < token.size() && (token[at] == 'e' || token[at] == 'E')) {
    is_whole = false;
    at++;
    if (at < token.size() && (token[at] == '+' || token[at] == '-')) at++;
    if (!digits()) return false;
  }
  return at == token.size();
}

int32_t code_of(error_code error) {
  switch (error) {
  case simdjson::SUCCESS: return CSIMDJSON_OK;
  case simdjson::MEMALLOC: return CSIMDJSON_OUT_OF_MEMORY;
  case simdjson::CAPACITY: return CSIMDJSON_TOO_LARGE;
  case simdjson::DEPTH_ERROR: return CSIMDJSON_TOO_DEEP;
  case simdjson::UTF8_ERROR: return CSIMDJSON_NOT_UTF8;
  case simdjson::EMPTY: return CSIMDJSON_EMPTY;
  case simdjson::STRING_ERROR:
  case simdjson::UNESCAPED_CHARS: return CSIMDJSON_BAD_STRING;
  case simdjson::NUMBER_ERROR: return CSIMDJSON_BAD_NUMBER;
  default: return CSIMDJSON_SYNTAX;
  }
}

} // namespace

struct csimdjson_parser {
  ondemand::parser parser{CSIMDJSON_BYTE_COUNT_LIMIT};
  std::vector<Path> paths;
  std::unique_ptr<uint8_t[]> buffer;
  size_t capacity = 0;
};

namespace {

// One walk over a document: every token is checked, values on paths are noted.
class Walk {
public:
  Walk(const std::vector<Path> &paths, const uint8_t *start, csimdjson_value *values)
      : paths(paths), start(start), values(values) {}

  size_t position = 0;

  int32_t run(ondemand::document &document) {
    ondemand::json_type type;
    if (auto error = document.type().get(type)) return code_of(error);
    const uint32_t all = uint32_t((uint64_t(1) << paths.size()) - 1);
    // Getting the root from the document, not as a value, also checks the last bracket.
    int32_t code = CSIMDJSON_NOT_A_CONTAINER;
    if (type == ondemand::json_type::object) {
      ondemand::object members;
      if (auto error = document.get_object().get(members)) return code_of(error);
      code = object(members, 0, all);
    } else if (type == ondemand::json_type::array) {
      ondemand::array elements;
      if (auto error = document.get_array().get(elements)) return code_of(error);
      code = array(elements, 0, all);
    }
    if (code != CSIMDJSON_OK) return code;
    // Nothing may follow: behind the last token there is no location.
    const bool is_over = document.current_location().error() == simdjson::OUT_OF_BOUNDS;
    return is_over ? CSIMDJSON_OK : CSIMDJSON_SYNTAX;
  }

private:
  const std::vector<Path> &paths;
  const uint8_t *start;
  csimdjson_value *values;

  // `active` has a bit for each path whose first `level` names lead to this value.
  int32_t value(ondemand::value &v, unsigned level, uint32_t active) {
    std::string_view token = v.raw_json_token();
    position = size_t(reinterpret_cast<const uint8_t *>(token.data()) - start);
    switch (token.empty() ? '\0' : token[0]) {
    case '{': {
      if (level >= CSIMDJSON_DEPTH_LIMIT) return CSIMDJSON_TOO_DEEP;
      note(level, active, CSIMDJSON_OBJECT);
      ondemand::object members;
      if (auto error = v.get_object().get(members)) return code_of(error);
      return object(members, level, active);
    }
    case '[': {
      if (level >= CSIMDJSON_DEPTH_LIMIT) return CSIMDJSON_TOO_DEEP;
      note(level, active, CSIMDJSON_ARRAY);
      ondemand::array elements;
      if (auto error = v.get_array().get(elements)) return code_of(error);
      return array(elements, level, active);
    }
    case '"': return string(v, level, active);
    default: break;
    }
    while (!token.empty() && is_blank(token.back())) token.remove_suffix(1);
    return scalar(token, level, active);
  }

  void note(unsigned level, uint32_t active, csimdjson_value found) {
    found.position = position;
    for (size_t path = 0; path < paths.size(); path++) {
      if ((active >> path & 1) && paths[path].size() == level) values[path] = found;
    }
  }

  void note(unsigned level, uint32_t active, int32_t kind) {
    csimdjson_value found{};
    found.kind = kind;
    note(level, active, found);
  }

  int32_t object(ondemand::object &members, unsigned level, uint32_t active) {
    uint32_t seen = 0;
    for (auto result : members) {
      ondemand::field field;
      if (auto error = std::move(result).get(field)) return code_of(error);
      std::string_view name;
      if (auto error = field.unescaped_key().get(name)) return code_of(error);
      uint32_t next = 0;
      for (size_t path = 0; active != 0 && path < paths.size(); path++) {
        const Path &names = paths[path];
        if ((active >> path & 1) && names.size() > level && names[level].text == name) {
          next |= uint32_t(1) << path;
        }
      }
      if ((seen & next) != 0) return CSIMDJSON_DUPLICATE_NAME;
      seen |= next;
      if (int32_t code = value(field.value(), level + 1, next)) return code;
    }
    return CSIMDJSON_OK;
  }

  int32_t array(ondemand::array &elements, unsigned level, uint32_t active) {
    int64_t index = 0;
    for (auto result : elements) {
      ondemand::value element;
      if (auto error = std::move(result).get(element)) return code_of(error);
      uint32_t next = 0;
      for (size_t path = 0; active != 0 && path < paths.size(); path++) {
        const Path &names = paths[path];
        if ((active >> path & 1) && names.size() > level && names[level].index == index) {
          next |= uint32_t(1) << path;
        }
      }
      if (int32_t code = value(element, level + 1, next)) return code;
      index++;
    }
    return CSIMDJSON_OK;
  }

  int32_t string(ondemand::value &v, unsigned level, uint32_t active) {
    std::string_view text;
    if (auto error = v.get_string().get(text)) return code_of(error);
    csimdjson_value found{};
    found.kind = CSIMDJSON_STRING;
    found.text = reinterpret_cast<const uint8_t *>(text.data());
    found.text_byte_count = text.size();
    note(level, active, found);
    return CSIMDJSON_OK;
  }

  int32_t scalar(std::string_view token, unsigned level, uint32_t active) {
    csimdjson_value found{};
    found.text = reinterpret_cast<const uint8_t *>(token.data());
    found.text_byte_count = token.size();
    bool is_whole = false;
    if (token == "true" || token == "false") {
      found.kind = CSIMDJSON_BOOL;
      found.boolean = token == "true";
    } else if (token == "null") {
      found.kind = CSIMDJSON_NULL;
    } else if (is_number(token, is_whole)) {
      number(token, is_whole, found);
    } else {
      const bool is_like_number = !token.empty() && (is_digit(token[0]) || token[0] == '-');
      return is_like_number ? CSIMDJSON_BAD_NUMBER : CSIMDJSON_SYNTAX;
    }
    note(level, active, found);
    return CSIMDJSON_OK;
  }

  static void number(std::string_view token, bool is_whole, csimdjson_value &found) {
    const char *end = token.data() + token.size();
    if (is_whole) {
      found.kind = CSIMDJSON_INTEGER;
      if (std::from_chars(token.data(), end, found.integer).ec == std::errc()) return;
      found.kind = CSIMDJSON_UNSIGNED;
      if (token[0] != '-' &&
          std::from_chars(token.data(), end, found.unsigned_integer).ec == std::errc()) {
        return;
      }
    }
    // Out of range is told both for too large and for too small; the latter is rounded to zero by
    // other readers, but nobody needs such a number here.
    const bool fits = std::from_chars(token.data(), end, found.real).ec == std::errc();
    found.kind = fits && std::isfinite(found.real) ? CSIMDJSON_DOUBLE : CSIMDJSON_HUGE;
  }
};

// Where the first byte stands that is not UTF-8: bisection, as the check itself gives no place.
size_t first_bad_byte(const uint8_t *bytes, size_t byte_count) {
  size_t good = 0, bad = byte_count;
  while (bad - good > 1) {
    size_t middle = good + (bad - good) / 2;
    // Do not cut a character: move back to the start of one, at most three bytes.
    size_t cut = middle;
    while (cut > good && middle - cut < 3 && (bytes[cut] & 0xc0) == 0x80) cut--;
    if (cut == good) break;
    if (simdjson::validate_utf8(reinterpret_cast<const char *>(bytes + good), cut - good)) {
      good = cut;
    } else {
      bad = cut;
    }
  }
  return good;
}

int32_t read(csimdjson_parser *parser, const uint8_t *bytes, size_t byte_count,
             csimdjson_value *values, size_t *position) {
  if (byte_count > CSIMDJSON_BYTE_COUNT_LIMIT) return CSIMDJSON_TOO_LARGE;
  const size_t needed = byte_count + simdjson::SIMDJSON_PADDING;
  if (parser->capacity < needed) {
    // Doubling, so that slowly growing documents do not allocate each time.
    const size_t capacity = needed > 4096 ? needed * 2 : 8192;
    parser->buffer.reset(new uint8_t[capacity]);
    parser->capacity = capacity;
  }
  uint8_t *buffer = parser->buffer.get();
  if (byte_count > 0) std::memcpy(buffer, bytes, byte_count);
  std::memset(buffer + byte_count, 0, simdjson::SIMDJSON_PADDING);

  ondemand::document document;
  auto error = parser->parser.iterate(buffer, byte_count, parser->capacity).get(document);
  if (error != simdjson::SUCCESS) {
    *position = error == simdjson::UTF8_ERROR ? first_bad_byte(buffer, byte_count) : byte_count;
    return code_of(error);
  }
  Walk walk(parser->paths, buffer, values);
  const int32_t code = walk.run(document);
  *position = walk.position;
  return code;
}

} // namespace

extern "C" {

csimdjson_parser *csimdjson_create(void) {
  try {
    return new csimdjson_parser();
  } catch (...) {
    return nullptr;
  }
}

void csimdjson_destroy(csimdjson_parser *parser) { delete parser; }

void csimdjson_clear_paths(csimdjson_parser *parser) { parser->paths.clear(); }

int32_t csimdjson_begin_path(csimdjson_parser *parser) {
  if (parser->paths.size() >= CSIMDJSON_PATH_LIMIT) return 1;
  try {
    parser->paths.emplace_back();
    return 0;
  } catch (...) {
    return 1;
  }
}

int32_t csimdjson_add_name(csimdjson_parser *parser, const uint8_t *name, size_t byte_count) {
  if (parser->paths.empty() || parser->paths.back().size() >= CSIMDJSON_NAME_LIMIT) return 1;
  try {
    std::string text;
    if (byte_count > 0) text.assign(reinterpret_cast<const char *>(name), byte_count);
    const int64_t index = index_of(text);
    parser->paths.back().push_back(Name{std::move(text), index});
    return 0;
  } catch (...) {
    return 1;
  }
}

int32_t csimdjson_read(csimdjson_parser *parser, const uint8_t *bytes, size_t byte_count,
                       csimdjson_value *values, size_t *position) {
  *position = 0;
  for (size_t path = 0; path < parser->paths.size(); path++) values[path] = csimdjson_value{};
  try {
    return read(parser, bytes, byte_count, values, position);
  } catch (...) {
    return CSIMDJSON_OUT_OF_MEMORY;
  }
}

} // extern "C"
