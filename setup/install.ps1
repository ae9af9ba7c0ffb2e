# What `install` does, on Windows: gets the program, and takes it only if it is
# the file that this very commit was released with. For Windows PowerShell 5.1,
# which every Windows has, and for newer ones.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue' # drawing the bar takes longer than the download

# Only this process sees what is left of its environment: the variables of the
# system, of the runner and of a proxy, and none that may be a secret of the job.
$kept = 'PATH', 'PATHEXT', 'PSModulePath', 'SystemRoot', 'SystemDrive', 'windir', 'TEMP', 'TMP',
  'USERPROFILE', 'APPDATA', 'LOCALAPPDATA', 'ProgramData', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY',
  'RUNNER_TEMP', 'RUNNER_TOOL_CACHE', 'GITHUB_OUTPUT', 'SEVALLA_DEPLOY_FROM'
Get-ChildItem Env: | Where-Object { $kept -notcontains $_.Name } |
  ForEach-Object { Remove-Item -LiteralPath "Env:$($_.Name)" }

function Stop-Step([string] $Why) {
  # One line, as a workflow command requires.
  Write-Output "::error title=sevalla-deploy::$($Why -replace '\s+', ' ')"
  exit 1
}

# The proxy for an address, by the rules of curl: NO_PROXY has names, also of what
# is above them, with or without a dot or a port, or `*`.
function Get-Proxy([Uri] $Address) {
  foreach ($name in "$env:NO_PROXY" -split '[,\s]+') {
    $name = $name -replace '^\.' -replace ':\d+$'
    $is_of_it = ".$($Address.Host)".EndsWith(".$name", [StringComparison]::OrdinalIgnoreCase)
    if ($name -and ($is_of_it -or $name -eq '*')) { return }
  }
  if ($Address.Scheme -eq 'http') { $env:HTTP_PROXY } else { $env:HTTPS_PROXY }
}

$pins = Get-Content (Join-Path $PSScriptRoot 'pins')
$from = "$($pins -match '^from ')" -replace '^from ', ''
if (-not $from) {
  Stop-Step 'This commit is no release, so there is no program to download. Use a tag such as v1, or the commit of one'
}
if ($env:SEVALLA_DEPLOY_FROM) { $from = $env:SEVALLA_DEPLOY_FROM }
# Windows on ARM64 runs programs for x86_64 too.
$pin = "$($pins -match '^[0-9a-f]{64}  sevalla-deploy-[^ ]*-x86_64-pc-windows-msvc\.zip$')"
if (-not $pin) { Stop-Step 'There is no program for Windows in setup/pins' }
$hash, $file = $pin -split '  '

function Test-Released([string] $Path) {
  (Test-Path -LiteralPath $Path) -and (Get-FileHash -LiteralPath $Path -Algorithm SHA256).Hash -eq $hash
}

$temp = if ($env:RUNNER_TEMP) { $env:RUNNER_TEMP } else { [IO.Path]::GetTempPath() }
$cache = Join-Path $(if ($env:RUNNER_TOOL_CACHE) { $env:RUNNER_TOOL_CACHE } else { $temp }) 'sevalla-deploy'
$folder = (New-Item -ItemType Directory (Join-Path $temp "sevalla-deploy.$([Guid]::NewGuid().ToString('N'))")).FullName
$archive = Join-Path $folder $file
$stored = Join-Path $cache "$hash.zip"

# A copy is checked and run: nobody can change it between the two.
if (Test-Path -LiteralPath $stored) { Copy-Item -LiteralPath $stored $archive }
if (-not (Test-Released $archive)) {
  # Windows PowerShell starts with older versions of TLS, and knows no proxy variables.
  [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
  $request = @{ Uri = "$from/$file"; OutFile = $archive; UseBasicParsing = $true; TimeoutSec = 120 }
  $proxy = Get-Proxy $request.Uri
  if ($proxy) { $request.Proxy = $proxy }
  try { Invoke-WebRequest @request } catch {
    Start-Sleep -Seconds 2
    try { Invoke-WebRequest @request } catch {
      Stop-Step "$from/$file could not be downloaded, in two attempts: $_"
    }
  }
  if (-not (Test-Released $archive)) {
    Stop-Step "$from/$file is not the file that was released: its hash is different. Nothing of it was run"
  }
  try {
    $null = New-Item -ItemType Directory -Force $cache
    Copy-Item -LiteralPath $archive "$stored.$PID"
    Move-Item -LiteralPath "$stored.$PID" $stored -Force
  } catch { Write-Output "The program could not be stored in ${cache}: $_" }
}
Add-Type -AssemblyName System.IO.Compression.FileSystem
[IO.Compression.ZipFile]::ExtractToDirectory($archive, $folder)
Remove-Item -LiteralPath $archive
# Without a byte order mark, which Out-File of Windows PowerShell adds.
[IO.File]::AppendAllText($env:GITHUB_OUTPUT, "program=$(Join-Path $folder 'sevalla-deploy.exe')`n")
