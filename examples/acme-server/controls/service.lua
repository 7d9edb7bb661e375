control "health-page" {
  title = "The service says that it is well",
  impact = "high",
  desc = "The page asks the database and the queue before it answers.",
  tags = { "acme" },
  only_if = function()
    return attributes.probe_token ~= nil, "there is no probe_token to ask with"
  end,
  -- After a deployment the service may need a while.
  eventually = { within = "10s", every = "1s" },

  check = function()
    local page = http("http://127.0.0.1:8080/health", { headers = { Authorization = "Bearer " .. attributes.probe_token } })
    describe(page):its("status", eq(200))
  end,
}
