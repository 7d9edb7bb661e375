local release_file = require "release_file"

control "release-file" {
  title = "The server says which release it runs",
  impact = "low",
  desc = "Deployments write /etc/acme-release; a server without it was built by hand.",
  tags = { "acme" },
  only_if = function()
    return attributes.stage == "production", "only production servers are deployed"
  end,

  check = function()
    describe(release_file())
      :exists()
      :its("version", matches [[^\d+\.\d+$]])
  end,
}

control "free-space" {
  title = "The root file system has room",
  impact = "medium",
  desc = "A full root file system stops logging, updates and logins.",
  tags = { "acme" },

  check = function()
    local df = command { "df", "--output=pcent", "/" }
    local used = tonumber(df.stdout:match "(%d+)%%")
    if not used then
      skip "df does not say how full the root file system is"
    end
    describe(100 - used, "free percent of /"):it(at_least(attributes.min_free_percent))
  end,
}
