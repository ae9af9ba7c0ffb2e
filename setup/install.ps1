# What `install` does, on Windows: gets the program, and takes it only if it is
# the file that this very commit was released with. For Windows PowerShell 5.1,
# which every Windows has, and for newer ones. It starts no other program, so
# nothing else sees the environment.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue' # drawing the bar takes longer than the download

function Stop-Step([string] $Why) {
  # One line, as a workflow command requires.
  Write-Output "::error title=sevalla-deploy::$($Why -replace '\s+', ' ')"
  exit 1
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
$kept = Join-Path $cache "$hash.zip"

# A copy is checked and run: nobody can change it between the two.
if (Test-Path -LiteralPath $kept) { Copy-Item -LiteralPath $kept $archive }
if (-not (Test-Released $archive)) {
  # Windows PowerShell starts with older versions of TLS, and knows no proxy variables.
  [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
  $request = @{ Uri = "$from/$file"; OutFile = $archive; UseBasicParsing = $true; TimeoutSec = 120 }
  $server = ([Uri] $request.Uri).Host
  $direct = "$env:NO_PROXY" -split ',' | Where-Object { $_ -and ($server -eq $_ -or $server.EndsWith('.' + $_.Trim().TrimStart('.'))) }
  if ($env:HTTPS_PROXY -and -not $direct) { $request.Proxy = $env:HTTPS_PROXY }
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
    Copy-Item -LiteralPath $archive "$kept.$PID"
    Move-Item -LiteralPath "$kept.$PID" $kept -Force
  } catch { Write-Output "The program could not be stored in ${cache}: $_" }
}
Add-Type -AssemblyName System.IO.Compression.FileSystem
[IO.Compression.ZipFile]::ExtractToDirectory($archive, $folder)
Remove-Item -LiteralPath $archive
# Without a byte order mark, which Out-File of Windows PowerShell adds.
[IO.File]::AppendAllText($env:GITHUB_OUTPUT, "program=$(Join-Path $folder 'sevalla-deploy.exe')`n")
