# What `install` does, on Windows: gets the program, and takes it only if it is
# the file that this very commit was released with. For Windows PowerShell 5.1,
# which every Windows has, and for newer ones.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue' # drawing the bar takes longer than the download

# Only this process sees what is left of its environment: the variables of the
# system, of the runner and of a proxy, and none that may be a secret of the job.
$kept = 'PATH', 'PATHEXT', 'PSModulePath', 'SystemRoot', 'SystemDrive', 'windir', 'TEMP', 'TMP',
  'USERPROFILE', 'APPDATA', 'LOCALAPPDATA', 'ProgramData', 'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY',
  'RUNNER_TEMP', 'RUNNER_TOOL_CACHE', 'GITHUB_OUTPUT', 'SEVALLA_DEPLOY_FROM'
Get-ChildItem Env: | Where-Object { $kept -notcontains $_.Name } |
  ForEach-Object { Remove-Item -LiteralPath "Env:$($_.Name)" }

function Stop-Step([string] $Why) {
  # One line, as a workflow command requires.
  Write-Output "::error title=sevalla-deploy::$($Why -replace '\s+', ' ')"
  exit 1
}

# The parameters for the proxy of an address. NO_PROXY has names, also of what is
# above them, with or without a dot or a port, or `*`. Without any, Windows' own
# settings apply: before PowerShell 7 nothing turns them off.
function Get-Proxy([Uri] $Address) {
  foreach ($name in "$env:NO_PROXY" -split '[,\s]+') {
    $name = $name -replace '^\.' -replace ':\d+$'
    $is_of_it = ".$($Address.Host)".EndsWith(".$name", [StringComparison]::OrdinalIgnoreCase)
    if ($name -and ($is_of_it -or $name -eq '*')) { return @{} }
  }
  $proxy = if ($Address.Scheme -eq 'http') { $env:HTTP_PROXY } else { $env:HTTPS_PROXY }
  if (-not $proxy) { $proxy = $env:ALL_PROXY }
  if (-not $proxy) { return @{} }
  $proxy = [UriBuilder] $(if ($proxy -match '://') { $proxy } else { "http://$proxy" })
  $found = @{}
  # PowerShell reads no name and password in the address.
  if ($proxy.UserName) {
    $name = [Uri]::UnescapeDataString($proxy.UserName)
    $password = (New-Object Net.NetworkCredential $name, ([Uri]::UnescapeDataString($proxy.Password))).SecurePassword
    $found.ProxyCredential = New-Object Management.Automation.PSCredential $name, $password
    $proxy.UserName = $proxy.Password = ''
  }
  $found.Proxy = $proxy.Uri
  $found
}

$pins = Get-Content (Join-Path $PSScriptRoot 'pins')
$from = "$($pins -match '^from ')" -replace '^from ', ''
if (-not $from) {
  Stop-Step 'This commit is no release, so there is no program to download. Use a tag such as v1, or the commit of one'
}
if ($env:SEVALLA_DEPLOY_FROM) { $from = $env:SEVALLA_DEPLOY_FROM.TrimEnd('/') }
if ($from -match '@') { Stop-Step 'SEVALLA_DEPLOY_FROM contains an @. It must have no user name or password; in a path, write %40' }
if ($from -notmatch '^(https?|file)://') { Stop-Step "SEVALLA_DEPLOY_FROM is not the address of a folder: $from" }
# Windows on ARM64 runs programs for x86_64 too.
$pin = "$($pins -match '^[0-9a-f]{64}  sevalla-deploy-[^ ]*-x86_64-pc-windows-msvc\.zip$')"
if (-not $pin) { Stop-Step 'There is no program for Windows in setup/pins' }
$hash, $file = $pin -split '  '

# Not Get-FileHash, which Windows PowerShell does not find if a newer one started it.
function Get-Sha256([string] $Path) {
  $stream = [IO.File]::OpenRead($Path)
  try {
    [BitConverter]::ToString([Security.Cryptography.SHA256]::Create().ComputeHash($stream)) -replace '-'
  } finally { $stream.Dispose() }
}

function Test-Released([string] $Path) {
  (Test-Path -LiteralPath $Path -PathType Leaf) -and (Get-Sha256 $Path) -eq $hash
}

$temp = if ($env:RUNNER_TEMP) { $env:RUNNER_TEMP } else { [IO.Path]::GetTempPath() }
$cache = Join-Path $(if ($env:RUNNER_TOOL_CACHE) { $env:RUNNER_TOOL_CACHE } else { $temp }) 'sevalla-deploy'
try {
  $folder = (New-Item -ItemType Directory (Join-Path $temp "sevalla-deploy.$([Guid]::NewGuid().ToString('N'))")).FullName
} catch { Stop-Step "$temp cannot be written: $_" }
$archive = Join-Path $folder $file
$stored = Join-Path $cache "$hash.zip"

# Leaves nothing after a failure.
function Stop-Unfinished([string] $Why) {
  Remove-Item -LiteralPath $folder -Recurse -Force -ErrorAction SilentlyContinue
  Stop-Step $Why
}

# Downloads the archive; gives what is wrong with it.
function Get-Archive([hashtable] $Request) {
  try { Invoke-WebRequest @Request } catch { return "$from/$file could not be downloaded, in two attempts: $_" }
  if (-not (Test-Released $archive)) {
    "$from/$file is not the file that was released: its hash is different. Nothing of it was run"
  }
}

# A copy is checked and run, so that a job that shares the cache cannot change it
# between the two. What cannot be copied, or is far too large, is downloaded.
try {
  $found = if (Test-Path -LiteralPath $stored) { Get-Item -LiteralPath $stored }
  if ($found -is [IO.FileInfo] -and $found.Length -lt 67108864) { Copy-Item -LiteralPath $stored $archive }
} catch { Write-Output "$stored could not be used: $_" }
if (-not (Test-Released $archive)) {
  # Windows PowerShell starts with older versions of TLS, and knows no proxy variables.
  [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
  $request = @{ Uri = "$from/$file"; OutFile = $archive; UseBasicParsing = $true; TimeoutSec = 120 }
  $request += Get-Proxy $request.Uri
  $why = Get-Archive $request
  if ($why) {
    Start-Sleep -Seconds 2
    $why = Get-Archive $request
  }
  if ($why) { Stop-Unfinished $why }
  $new = "$stored.$([Guid]::NewGuid().ToString('N'))"
  try {
    $null = New-Item -ItemType Directory -Force $cache
    Copy-Item -LiteralPath $archive $new
    # A folder of this name would get the file into it.
    if (Test-Path -LiteralPath $stored -PathType Container) { Remove-Item -LiteralPath $stored -Recurse -Force }
    Move-Item -LiteralPath $new $stored -Force
  } catch {
    Write-Output "The program could not be stored in ${cache}: $_"
    Remove-Item -LiteralPath $new -Force -ErrorAction SilentlyContinue
  }
}
try {
  Add-Type -AssemblyName System.IO.Compression.FileSystem
  [IO.Compression.ZipFile]::ExtractToDirectory($archive, $folder)
  Remove-Item -LiteralPath $archive -Force
} catch { Stop-Unfinished "$file could not be unpacked in $temp. Is the disk full? $_" }
$program = Join-Path $folder 'sevalla-deploy.exe'
try {
  $null = & $program --version
  if ($LASTEXITCODE -ne 0) { throw "it ended with $LASTEXITCODE" }
} catch { Stop-Unfinished "The program cannot be run in ${temp}: $_" }
try {
  # Without a byte order mark, which Out-File of Windows PowerShell adds.
  [IO.File]::AppendAllText($env:GITHUB_OUTPUT, "program=$program`n")
} catch { Stop-Unfinished "GITHUB_OUTPUT, $env:GITHUB_OUTPUT, cannot be written: $_" }
