# The comparison's application for Rack; `$WORKLOAD` says which.

require "json"

WORKLOAD = ENV.fetch("WORKLOAD", "hello")
LARGE = "x" * 65_536
CHUNK = "y" * 1024
TEXT = { "Content-Type" => "text/plain" }.freeze

class Chunks
  def each
    16.times { yield CHUNK }
  end
end

run(lambda do |env|
  case WORKLOAD
  when "stream" then return [200, TEXT.dup, Chunks.new]
  when "large" then body = LARGE
  when "json" then body = env["REQUEST_METHOD"] == "GET" ? "hello world\n" : JSON.parse(env["rack.input"].read)["items"].length.to_s
  else body = "hello world\n"
  end
  [200, TEXT.dup, [body]]
end)
