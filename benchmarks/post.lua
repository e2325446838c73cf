-- What wrk sends: the body of the file that BODY names, signed when SIGNATURE is set.
wrk.method = "POST"
local file = assert(io.open(os.getenv("BODY"), "rb"))
wrk.body = file:read("*a")
file:close()
wrk.headers["Content-Type"] = "application/json"
local signature = os.getenv("SIGNATURE")
if signature and signature ~= "" then wrk.headers["X-Inngest-Signature"] = signature end
