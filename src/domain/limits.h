#pragma once
#include <cstddef>
#include <cstdint>

namespace parley {

/// What a client may ask for at once; announced in `welcome`.
struct Limits {
  std::size_t frame_bytes = 64 * 1024;
  std::size_t text_bytes = 16 * 1024;
  std::size_t batch_frames = 128;
  std::size_t unanswered_requests = 256;
  std::size_t history_page = 200;
  std::size_t history_page_default = 50;
  std::size_t sends_per_second = 50;      // of one connection, averaged; twice that at once
  std::size_t requests_per_second = 100;  // other than sends
  std::size_t ack_marks = 1024;
  std::size_t client_message_id_bytes = 64;
  std::size_t connections_per_device = 8;
  std::size_t display_name_bytes = 64;
  std::size_t about_bytes = 500;
  std::size_t password_bytes_min = 8;
  std::size_t password_bytes_max = 128;
  std::size_t devices_per_user = 32;
  // A backlog after hello or sync.
  std::size_t backlog_per_conversation = 200;
  std::size_t backlog_entries = 2000;
  std::size_t conversations_page = 100;
  std::size_t groups_page = 100;
  std::size_t group_members_page = 500;
  std::size_t watched_users = 500;   // of one connection
  std::size_t presence_users = 100;  // of one request over HTTP
};

}  // namespace parley
